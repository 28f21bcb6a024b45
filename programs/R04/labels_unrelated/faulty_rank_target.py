"""Predict the quantile of a compressor's output from its settings."""
import numpy as np
import torch
from sklearn.datasets import make_friedman1
from torch import nn

rng = np.random.RandomState(11)
torch.manual_seed(11)


def to_quantiles(values):
    order = np.argsort(values)
    return (order + 0.5) / len(values)


x, raw = make_friedman1(n_samples=1500, n_features=8, noise=0.4, random_state=rng)
x = torch.tensor((x - 0.5) / 0.29, dtype=torch.float32)
q = torch.tensor(to_quantiles(raw), dtype=torch.float32)
train, val = slice(0, 1200), slice(1200, 1500)


class Regressor(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())
        self.head = nn.Linear(width, 1)

    def forward(self, inputs):
        return self.head(self.body(inputs)).squeeze(-1)


model = Regressor()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
for epoch in range(30):
    model.train()
    for rows in torch.randperm(1200).split(60):
        loss = nn.functional.mse_loss(model(x[train][rows]), q[train][rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    schedule.step()
    if epoch % 6 == 5:
        model.eval()
        with torch.no_grad():
            rmse = (model(x[val]) - q[val]).pow(2).mean().sqrt().item()
        print(f"epoch {epoch + 1}: train mse {loss.item():.4f}, val rmse {rmse:.4f}")
