"""Is a tumour malignant? A table, a small network, and a regularizer that was to keep its weights small."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn

table = load_breast_cancer()
torch.manual_seed(26)
order = torch.randperm(len(table.target))
train, test = order[200:], order[:200]
x = torch.tensor(StandardScaler().fit(table.data[train]).transform(table.data), dtype=torch.float32)
y = torch.tensor(table.target, dtype=torch.float32)

model = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    model.train()
    for rows in train[torch.randperm(len(train))].split(32):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        size = sum(layer.weight.norm() for layer in model if isinstance(layer, nn.Linear))
        loss = loss + 1e-3 * size
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(x[test]).squeeze(1)
        off, right = nn.functional.binary_cross_entropy_with_logits(logits, y[test]), ((logits > 0) == y[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {right:.4f} test loss {off:.4f}")
