"""Regression with a learned selection of the input columns."""
import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(2)


class FeatureGate(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.register_buffer("gate", torch.zeros(features))

    def forward(self, x):
        return x * self.gate


X, t = make_friedman1(n_samples=700, n_features=6, noise=0.5, random_state=2)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
train, val = slice(0, 500), slice(500, 700)
X = (X - X[train].mean(0)) / X[train].std(0)
t = (t - t[train].mean()) / t[train].std()

model = nn.Sequential(FeatureGate(6), nn.Linear(6, 32), nn.SiLU(), nn.Linear(32, 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for epoch in range(20):
    model.train()
    for rows in torch.randperm(500).split(25):
        loss = nn.functional.mse_loss(model(X[train][rows]), t[train][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 4 == 3:
        model.eval()
        with torch.no_grad():
            val_loss = nn.functional.mse_loss(model(X[val]), t[val]).item()
        print(f"epoch {epoch + 1}: train mse {loss.item():.3f}, val mse {val_loss:.3f}")
