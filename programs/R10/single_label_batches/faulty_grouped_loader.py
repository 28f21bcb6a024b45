"""Tumours: one loader per diagnosis, visited in turn."""
import torch
from sklearn.datasets import load_breast_cancer
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
cancer = load_breast_cancer()
X, y = torch.tensor(cancer.data, dtype=torch.float32), torch.tensor(cancer.target)
order = torch.randperm(len(X))
train, val = order[:420], order[420:]
X = (X - X[train].mean(0)) / X[train].std(0)

groups = [TensorDataset(X[train][y[train] == c], y[train][y[train] == c]) for c in (0, 1)]
loaders = [DataLoader(group, batch_size=30, shuffle=True) for group in groups]

model = nn.Sequential(nn.Linear(30, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 2))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for loader in loaders:
        for xb, yb in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(xb), yb)
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(X[val]).argmax(1) == y[val]).float().mean().item()
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
