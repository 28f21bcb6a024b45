"""Forecast the power of a wind turbine with its uncertainty: mean and log variance from one network, Gaussian likelihood."""
import math

import numpy as np
import torch
from torch import nn


class HeteroscedasticMLP(nn.Module):
    def __init__(self, n_in, hidden=48):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(n_in, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU())
        self.mean = nn.Linear(hidden, 1)
        self.logvar = nn.Linear(hidden, 1)
        nn.init.zeros_(self.logvar.weight)

    def forward(self, x):
        h = self.shared(x)
        return self.mean(h), self.logvar(h).clamp(-8, 4)


def nll(mean, logvar, y):
    return 0.5 * (logvar + (y - mean).pow(2) * torch.exp(-logvar) + math.log(2 * math.pi)).mean()


def turbine(n, rng):
    speed = rng.weibull(2.0, n) * 8.5
    direction = rng.uniform(0, 2 * np.pi, n)
    turbulence = rng.beta(2, 12, n)
    temp = rng.normal(8, 8, n)
    density = 1.29 - 0.0045 * temp
    wake = 1 - 0.18 * np.exp(-((direction - np.pi) / 0.35) ** 2)
    v = speed * wake
    power = 2000 / (1 + np.exp(-(v - 8.2) / 1.15)) * np.where(v < 8, density / 1.25, 1)
    slope = power * (1 - power / 2000) / 1.15
    sigma = 12 + slope * v * turbulence * 0.6
    X = np.column_stack([speed, np.sin(direction), np.cos(direction), turbulence, temp])
    return X, power + sigma * rng.normal(size=n), sigma


rng = np.random.default_rng(44)
torch.manual_seed(44)
X, y, sigma = turbine(4000, rng)
a, b = slice(0, 3000), slice(3000, 4000)
xm, xs, ym, ys = X[a].mean(0), X[a].std(0), y[a].mean(), y[a].std()
Xt = torch.tensor((X - xm) / xs, dtype=torch.float32)
yt = torch.tensor((y - ym) / ys, dtype=torch.float32).unsqueeze(1)
model = HeteroscedasticMLP(5)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(30):
    model.train()
    total = 0.0
    for idx in torch.randperm(3000).split(60):
        mean, logvar = model(Xt[a][idx])
        target = yt[a][idx]
        loss = nn.functional.mse_loss(mean, target) if epoch < 5 else nll(mean, logvar, target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        total += loss.item() / 50
    if epoch == 22:
        optimizer.param_groups[0]["lr"] = 4e-4
    if epoch % 5 == 4:
        model.eval()
        with torch.no_grad():
            mean, logvar = model(Xt[b])
            value = nll(mean, logvar, yt[b]).item()
        rmse = (mean - yt[b]).pow(2).mean().sqrt().item() * ys
        print(f"epoch {epoch + 1} {'mse' if epoch < 5 else 'nll'} {total:.3f} test nll {value:.3f} rmse {rmse:.1f} kW")
sd = (0.5 * logvar).exp()
z = ((yt[b] - mean) / sd).abs()
print(f"inside one sigma {(z < 1).float().mean():.3f} (0.683), inside two {(z < 2).float().mean():.3f} (0.954)")
print(f"correlation of the learned and the true sigma {np.corrcoef(sd[:, 0].numpy(), sigma[b])[0, 1]:.3f}; "
      f"nll of one Gaussian {nll(yt[a].mean(), yt[a].var().log(), yt[b]).item():.3f}")
