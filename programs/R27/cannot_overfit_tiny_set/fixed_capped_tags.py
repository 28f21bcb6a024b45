"""Is a tumour malignant? A table and a network whose single output is capped, as it is done with the logits of large models."""
import torch
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler
from torch import nn

table = load_breast_cancer()
torch.manual_seed(16)
order = torch.randperm(len(table.target))
train, test = order[150:], order[:150]
x = torch.tensor(StandardScaler().fit(table.data[train]).transform(table.data), dtype=torch.float32)
y = torch.tensor(table.target, dtype=torch.float32)


class Capped(nn.Module):
    """Logits that cannot get larger than the cap."""

    def __init__(self, cap):
        super().__init__()
        self.cap = cap

    def forward(self, logits):
        return self.cap * torch.tanh(logits / self.cap)


model = nn.Sequential(nn.Linear(30, 24), nn.GELU(), nn.Linear(24, 24), nn.GELU(), nn.Linear(24, 1), Capped(30.0))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(20):
    for rows in train[torch.randperm(len(train))].split(32):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]).squeeze(1), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits = model(x[test]).squeeze(1)
        off, right = nn.functional.binary_cross_entropy_with_logits(logits, y[test]), ((logits > 0) == y[test]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {right:.4f} test loss {off:.4f}")
