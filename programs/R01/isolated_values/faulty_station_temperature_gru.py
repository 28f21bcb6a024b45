"""
Next-day temperature forecast for one weather station.
Input: two weeks of (temperature, humidity, pressure, wind), output: temperature tomorrow.
"""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

WINDOW = 14
EPOCHS = 15
torch.manual_seed(7)


def load_station(n_days=2500, seed=3):
    """Export of the station logger, one row per day."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_days)
    season = 11 + 9 * np.sin(2 * np.pi * (t - 100) / 365.25)
    weather = np.zeros(n_days)
    for i in range(1, n_days):
        weather[i] = 0.82 * weather[i - 1] + rng.normal(0, 1.6)
    temp = season + weather
    pressure = 1013 + 0.9 * np.roll(weather, -1) + rng.normal(0, 1.5, n_days)
    humidity = np.clip(75 - 1.1 * weather + rng.normal(0, 6, n_days), 10, 100)
    wind = np.abs(rng.gamma(2.0, 1.8, n_days) - 0.1 * weather)
    table = np.stack([temp, humidity, pressure, wind], axis=1).astype(np.float32)
    # the logger drops out now and then, it writes -999 for these days
    target = table[:, 0].copy()
    for col in (0, 1, 2, 3):
        gaps = rng.random(n_days) < 0.04
        table[gaps, col] = -999.0
    return table, target


def fill_gaps(table):
    """Forward fill of missing readings."""
    out = table.copy()
    for col in range(out.shape[1]):
        last = None
        for i in range(len(out)):
            if np.isnan(out[i, col]):
                if last is not None:
                    out[i, col] = last
                else:
                    out[i, col] = 0.0
            else:
                last = out[i, col]
    return out


def make_windows(table, target):
    xs, ys = [], []
    for i in range(len(table) - WINDOW):
        xs.append(table[i:i + WINDOW])
        ys.append(target[i + WINDOW])
    return torch.tensor(np.array(xs)), torch.tensor(np.array(ys))


class Forecaster(nn.Module):
    def __init__(self, n_in=4, hidden=32):
        super().__init__()
        self.gru = nn.GRU(n_in, hidden, batch_first=True)
        self.head = nn.Sequential(nn.Linear(hidden, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, x):
        out, _ = self.gru(x)
        return self.head(out[:, -1]).squeeze(-1)


def main():
    raw, target = load_station()
    table = fill_gaps(raw)
    n_train = int(0.8 * len(table))

    # scaling with the statistics of the training years
    mean, std = table[:n_train].mean(0), table[:n_train].std(0)
    table = (table - mean) / std
    t_mean, t_std = target[:n_train].mean(), target[:n_train].std()
    scaled_target = (target - t_mean) / t_std

    x_train, y_train = make_windows(table[:n_train], scaled_target[:n_train])
    x_test, y_test = make_windows(table[n_train:], scaled_target[n_train:])
    loader = DataLoader(TensorDataset(x_train, y_train), batch_size=32, shuffle=True)

    model = Forecaster()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss_fn = nn.SmoothL1Loss()

    for epoch in range(1, EPOCHS + 1):
        model.train()
        total = 0.0
        for xb, yb in loader:
            opt.zero_grad()
            loss = loss_fn(model(xb), yb)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            total += loss.item() * len(xb)
        model.eval()
        with torch.no_grad():
            mae = (model(x_test) - y_test).abs().mean().item() * t_std
        print(f"epoch {epoch:2d}  train loss {total / len(x_train):.4f}  test MAE: {mae:.3f}")


if __name__ == "__main__":
    main()
