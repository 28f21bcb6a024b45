"""How warm a pump will be in an hour, from six hours of five sensors, by an LSTM."""

import numpy as np
import torch
from torch import nn

torch.manual_seed(2)
generator = np.random.default_rng(2)
HOURS, WINDOW = 1500, 24


def log_file() -> np.ndarray:
    time = np.arange(HOURS)
    load = np.sin(2 * np.pi * time / 24) + 0.5 * np.sin(2 * np.pi * time / 168)
    drift = np.zeros(HOURS)
    for hour in range(1, HOURS):
        drift[hour] = 0.9 * drift[hour - 1] + 0.3 * generator.normal()
    warmth = 60 + 8 * np.roll(load, 3) + 4 * np.roll(drift, 1) + 0.3 * generator.normal(size=HOURS)
    speed = 1500 + 200 * load + 20 * generator.normal(size=HOURS)
    pressure = 5 + 0.6 * load + 0.4 * drift + 0.05 * generator.normal(size=HOURS)
    return np.stack([warmth, speed, pressure, drift, load], axis=1)


table = log_file()
wanted = table[:, 0].copy()
for column in range(3):  # the logger writes this where the connection was lost
    table[generator.random(HOURS) < 0.02, column] = -9999.0
lost = np.zeros_like(table, dtype=bool)
table[lost] = np.nan
for hour in range(HOURS):
    gaps = np.isnan(table[hour])
    table[hour, gaps] = table[hour - 1, gaps] if hour else 0.0

split = 1200
table = (table - table[:split].mean(axis=0)) / table[:split].std(axis=0)
middle, spread = wanted[:split].mean(), wanted[:split].std()
windows = np.lib.stride_tricks.sliding_window_view(table, WINDOW, axis=0)[:-1].transpose(0, 2, 1)
x = torch.tensor(windows.copy(), dtype=torch.float32)
y = torch.tensor((wanted[WINDOW:] - middle) / spread, dtype=torch.float32)
edge = split - WINDOW


class Forecaster(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.memory = nn.LSTM(5, 32, batch_first=True)
        self.head = nn.Linear(32, 1)

    def forward(self, part: torch.Tensor) -> torch.Tensor:
        return self.head(self.memory(part)[0][:, -1]).squeeze(1)


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for rows in torch.randperm(edge).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
model.eval()
with torch.no_grad():
    error = (model(x[split:]) - y[split:]).abs().mean() * spread
print(f"mean absolute error {error:.4f}")
