"""Predicts the capacity of battery cells; model selection on a validation set, one look at the test set at the end."""

import copy

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(4)
rng = np.random.default_rng(4)


def cells(count):
    age, heat, depth = rng.uniform(0, 1500, count), rng.normal(32, 6, count), rng.uniform(20, 100, count)
    current, rest = rng.gamma(4, 2.5, count), rng.uniform(0, 48, count)
    capacity = 100 - 0.012 * age * (1 + 0.03 * (heat - 25)) - 0.05 * depth * np.log1p(current) + 0.02 * rest
    return np.column_stack([age, heat, depth, current, rest]), capacity + rng.normal(0, 0.6, count)


def as_tensors(x, y, shift, scale):
    return torch.tensor(x, dtype=torch.float32), torch.tensor((y - shift) / scale, dtype=torch.float32)[:, None]


def fit(net, loader, x_valid, y_valid, epochs=25):
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    best, kept = float("inf"), None
    for epoch in range(epochs):
        net.train()
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.smooth_l1_loss(net(x), y).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            error = (net(x_valid) - y_valid).square().mean().sqrt().item()
        if error < best:
            best, kept = error, copy.deepcopy(net.state_dict())
        print(f"epoch {epoch}: validation RMSE {error:.3f}")
    net.load_state_dict(kept)


x, y = cells(3000)
shift, scale = y[:2000].mean(), y[:2000].std()
scaler = StandardScaler().fit(x[:2000])
x_train, y_train = as_tensors(scaler.transform(x[:2000]), y[:2000], shift, scale)
x_valid, y_valid = as_tensors(scaler.transform(x[2000:2500]), y[2000:2500], shift, scale)
x_test, y_test = as_tensors(scaler.transform(x[2500:]), y[2500:], shift, scale)
net = nn.Sequential(nn.Linear(5, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
fit(net, DataLoader(TensorDataset(x_train, y_train), batch_size=50, shuffle=True), x_valid, y_valid)
with torch.no_grad():
    rmse = scale * (net(x_test) - y_test).square().mean().sqrt().item()
print(f"test RMSE {rmse:.3f}")
