"""Predict the 10 %, 50 % and 90 % quantiles with the pinball loss."""

import torch
from sklearn.datasets import make_friedman1
from torch import nn

torch.manual_seed(3)
X, t = make_friedman1(n_samples=900, n_features=5, noise=2.0, random_state=3)
X, t = torch.tensor(X).float(), torch.tensor(t).float().unsqueeze(1)
X = (X - X[:700].mean(0)) / X[:700].std(0)
t = (t - t[:700].mean()) / t[:700].std()
quantiles = torch.tensor([0.1, 0.5, 0.9])


def pinball(prediction, target):
    error = target - prediction
    return torch.maximum(quantiles * error, (quantiles - 1) * error).mean()


model = nn.Sequential(nn.Linear(5, 32), nn.ELU(), nn.Linear(32, 3))
optimizer = torch.optim.Adamax(model.parameters(), lr=1e-2)
for epoch in range(15):
    for rows in torch.randperm(700).split(35):
        loss = pinball(model(X[rows]), t[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        prediction = model(X[700:])
        coverage = ((t[700:] > prediction[:, :1]) & (t[700:] < prediction[:, 2:])).float().mean().item()
        val_loss = pinball(prediction, t[700:]).item()
    print(
        f"epoch {epoch}: train {loss.item():.4f} val {val_loss:.4f} coverage of the 80 % interval {coverage:.2f}"
    )
