"""Forecast the next log-return of a traffic counter that pauses at night."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
rng = np.random.default_rng(4)
hours = np.arange(1500)
level = 30 * (1 + np.sin(hours / 4)) * (1 + 0.5 * np.sin(hours / 17))
counter = rng.poisson(level)
returns = np.diff(np.log(counter))
cut, history = 1100, 24
usable = returns[:cut][np.isfinite(returns[:cut])]
series = torch.tensor((returns - usable.mean()) / usable.std(), dtype=torch.float32)


def windows(part):
    w = part.unfold(0, history + 1, 1)
    return TensorDataset(w[:, :history].unsqueeze(-1), w[:, history:])


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.gru(x)[0][:, -1])


train_loader = DataLoader(windows(series[:cut]), batch_size=64, shuffle=True)
val_loader = DataLoader(windows(series[cut:]), batch_size=400)
model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(8):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = sum(nn.functional.mse_loss(model(x), y).item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val mse {val:.3f}")
