import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)

# --- data: flats in a town -------------------------------------------------
n = 3000
area = rng.normal(75, 25, n).clip(18, 220)
year = rng.integers(1900, 2024, n)
rooms = np.round(area / 25 + rng.normal(0, 0.6, n)).clip(1, 8)
income = rng.lognormal(10.5, 0.35, n)          # yearly income of the district
dist = rng.gamma(2.0, 2500, n)                 # metres to the centre
floor = rng.integers(0, 9, n)
lift = (rng.random(n) < 0.4).astype(float)

rent = (
    8.5 * area
    + 90 * np.sqrt(rooms)
    + 0.006 * income
    + 350 * np.exp(-dist / 4000)
    + 180 * (year > 2005)
    + 120 * ((year < 1930) & (dist < 3000))
    + 15 * floor * lift
    - 12 * floor * (1 - lift)
    + rng.normal(0, 40, n)
)

X = np.stack([area, year, rooms, income, dist, floor, lift], axis=1).astype(np.float32)
y = rent.astype(np.float32)

# --- split -----------------------------------------------------------------
idx = rng.permutation(n)
n_train = int(0.8 * n)
tr, te = idx[:n_train], idx[n_train:]

X_train, X_test = X[tr], X[te]
y_mean, y_std = y[tr].mean(), y[tr].std()
y_train = (y[tr] - y_mean) / y_std

train_dl = DataLoader(
    TensorDataset(torch.from_numpy(X_train), torch.from_numpy(y_train).unsqueeze(1)),
    batch_size=64,
    shuffle=True,
)

# --- model -----------------------------------------------------------------
model = nn.Sequential(
    nn.Linear(7, 64),
    nn.ReLU(),
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Linear(64, 1),
)
opt = torch.optim.Adam(model.parameters(), lr=1e-3)
loss_fn = nn.MSELoss()

for epoch in range(30):
    model.train()
    total = 0.0
    for xb, yb in train_dl:
        opt.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        opt.step()
        total += loss.item() * len(xb)
    if (epoch + 1) % 5 == 0:
        print(f"epoch {epoch + 1:2d}  train mse {total / n_train:.4f}")

model.eval()
with torch.no_grad():
    pred = model(torch.from_numpy(X_test)).squeeze(1).numpy() * y_std + y_mean
resid = y[te] - pred
r2 = 1 - (resid**2).sum() / ((y[te] - y[te].mean()) ** 2).sum()
print(f"mean abs error {np.abs(resid).mean():.1f} EUR")
print(f"test R2: {r2:.3f}")
