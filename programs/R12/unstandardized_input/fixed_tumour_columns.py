"""Is a tumour malignant? A table as it is, and a small network with SGD."""
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn

table = load_breast_cancer()
torch.manual_seed(43)
order = torch.randperm(len(table.target))
x, y = torch.tensor(table.data, dtype=torch.float32)[order], torch.tensor(table.target, dtype=torch.float32)[order]
x = x[:, :10]  # the means of ten measurements
x = (x - x[:400].mean(0)) / x[:400].std(0)

model = nn.Sequential(nn.Linear(10, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1), nn.Flatten(0))
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
for epoch in range(25):
    for rows in torch.randperm(400).split(20):
        loss = nn.functional.binary_cross_entropy_with_logits(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        accuracy = ((model(x[400:]) > 0) == y[400:]).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
