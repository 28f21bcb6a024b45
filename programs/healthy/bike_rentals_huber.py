"""Hourly bike rentals, regressed on the calendar and the weather; log counts, Huber loss, last weeks held out."""
import numpy as np
import torch
from torch import nn, optim

rng = np.random.default_rng(77)
torch.manual_seed(77)

hours = np.arange(24 * 7 * 30)
hour, weekday, week = hours % 24, hours // 24 % 7, hours / (24 * 7)
season = np.sin(2 * np.pi * week / 26)
temp = 12 + 9 * season + 4 * np.sin(2 * np.pi * (hour - 9) / 24) + rng.normal(0, 2, len(hours))
rain = rng.random(len(hours)) < 0.12
commute = np.exp(-((hour - 8) / 1.5) ** 2) + np.exp(-((hour - 17.5) / 2) ** 2)
leisure = np.exp(-((hour - 14) / 4) ** 2)
level = np.where(weekday < 5, 4 * commute + leisure, 2.6 * leisure + 0.3)
mean = 40 * (0.15 + level) * np.exp(0.04 * (temp - 12)) * np.where(rain, 0.45, 1.0)
count = rng.poisson(mean)

features = np.column_stack([
    np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24),
    np.sin(4 * np.pi * hour / 24), np.cos(4 * np.pi * hour / 24),
    np.eye(7)[weekday], temp, rain,
]).astype("float32")
valid_from, split = 24 * 7 * 21, 24 * 7 * 24
mu, sd = features[:valid_from, -2].mean(), features[:valid_from, -2].std()
features[:, -2] = (features[:, -2] - mu) / sd
target = np.log1p(count).astype("float32")
centre = float(target[:valid_from].mean())

x = torch.from_numpy(features)
t = torch.from_numpy(target) - centre


class Residual(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.inner = nn.Sequential(nn.LayerNorm(n), nn.Linear(n, n), nn.GELU(), nn.Linear(n, n))

    def forward(self, z):
        return z + self.inner(z)


model = nn.Sequential(nn.Linear(x.shape[1], 48), Residual(48), Residual(48), nn.LayerNorm(48), nn.Linear(48, 1))
loss_fn = nn.HuberLoss(delta=0.5)
optimizer = optim.RMSprop(model.parameters(), lr=1e-3, alpha=0.95)
scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.3, patience=2)


def predict(a, b):
    model.eval()
    with torch.no_grad():
        return torch.expm1(model(x[a:b])[:, 0] + centre).numpy()


for epoch in range(1, 26):
    model.train()
    losses = []
    for idx in torch.from_numpy(rng.permutation(valid_from)).split(64):
        pred = model(x[idx]).squeeze(-1)
        loss = loss_fn(pred, t[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        model.eval()
        val = loss_fn(model(x[valid_from:split])[:, 0], t[valid_from:split]).item()
    scheduler.step(val)
    if epoch % 5 == 0:
        print(f"epoch {epoch} train {np.mean(losses):.4f} valid {val:.4f} lr {optimizer.param_groups[0]['lr']:.1e}")

p = predict(split, len(hours))
true = count[split:]
r2 = 1 - ((p - true) ** 2).sum() / ((true - true.mean()) ** 2).sum()
naive = np.abs(count[split - 168:-168] - true).mean()
print(f"test MAE {np.abs(p - true).mean():.2f} rentals (same hour last week {naive:.2f}), R2 {r2:.3f}")
