"""Flat prices (USD) from survey records."""
import numpy as np
import torch
from sklearn.metrics import r2_score
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

rng = np.random.default_rng(33)
torch.manual_seed(33)


def survey(n=2200):
    area = rng.normal(85, 28, n).clip(25)
    rooms = np.round(area / 24 + rng.normal(0, 0.6, n)).clip(1)
    floor = rng.integers(0, 9, n).astype(float)
    built = rng.uniform(1900, 2023, n)
    metro = rng.exponential(1.2, n)
    noise = rng.normal(58, 6, n)
    price = 2400 * area + 9000 * rooms + 4000 * floor + 350 * (built - 1960) - 22_000 * np.log1p(metro) - 900 * (noise - 58)
    price += rng.normal(0, 15_000, n)
    records = np.column_stack([area, rooms, floor, built, metro, noise])
    for column, rate in ((3, 0.04), (5, 0.03)):
        records[rng.random(n) < rate, column] = np.nan
    return records, price


records, price = survey()
complete = ~np.isnan(records).any(axis=1)
X = records[complete]
y = price[:len(X)]
print(f"{len(records) - len(X)} incomplete records removed, {len(X)} left")

n_train = int(0.8 * len(X))
mean, std = X[:n_train].mean(axis=0), X[:n_train].std(axis=0)
X = torch.tensor((X - mean) / std, dtype=torch.float32)
offset, scale = 0.0, 1.0
y = torch.tensor((y - offset) / scale, dtype=torch.float32).unsqueeze(1)

train_loader = DataLoader(TensorDataset(X[:n_train], y[:n_train]), batch_size=32, shuffle=True)
model = nn.Sequential(
    nn.Linear(6, 64), nn.ReLU(),
    nn.Linear(64, 32), nn.ReLU(),
    nn.Linear(32, 1),
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(30):
    model.train()
    for xb, yb in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.l1_loss(model(xb), yb)
        loss.backward()
        optimizer.step()
    if epoch % 6 == 5:
        model.eval()
        with torch.no_grad():
            pred = model(X[n_train:]) * scale + offset
        true = y[n_train:] * scale + offset
        print(f"epoch {epoch + 1} loss {loss.item():.4f} R2 {r2_score(true, pred):.4f} MAE {(pred - true).abs().mean():,.0f} USD")
