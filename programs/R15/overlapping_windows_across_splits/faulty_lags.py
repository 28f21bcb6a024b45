"""Next hour's load of a small grid from the 24 hours before."""
import numpy as np
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
rng = np.random.default_rng(0)
LAGS, HOURS = 24, 24 * 60


def load():
    hour = np.arange(HOURS)
    level = np.cumsum(rng.normal(0, 0.08, HOURS)) + 0.002 * hour
    shape = np.sin(2 * np.pi * hour / 24) * (1 + 0.4 * np.sin(2 * np.pi * hour / (24 * 23)))
    weather = np.convolve(rng.normal(size=HOURS + 30), np.ones(31) / 4, "valid")
    return (level + shape + 0.5 * weather + 0.3 * rng.normal(size=HOURS)).astype(np.float32)


series = load()
windows = np.lib.stride_tricks.sliding_window_view(series, LAGS + 1)
x, y = windows[:, :LAGS].copy(), windows[:, LAGS:].copy()
x_train, x_val, y_train, y_val = train_test_split(x, y, test_size=0.25, random_state=0)
mean, std = x_train.mean(), x_train.std()
x_train, x_val, y_train, y_val = (torch.from_numpy((item - mean) / std) for item in (x_train, x_val, y_train, y_val))
train = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)

model = nn.Sequential(nn.Linear(LAGS, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for epoch in range(60):
    model.train()
    for xb, yb in train:
        loss = nn.functional.mse_loss(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 9:
        model.eval()
        with torch.no_grad():
            val = nn.functional.mse_loss(model(x_val), y_val).item()
        print(f"epoch {epoch}: train loss {loss.item():.4f}, validation mse {val:.4f}")
