"""
Soft sensor: electrical power of a pump from pressure, flow, valve position and
temperature over the last 32 samples. Temporal convolutional network.
"""
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

HISTORY = 32


def plant_log(n=6000, seed=4):
    rng = np.random.default_rng(seed)
    valve = np.zeros(n)
    level = 0.5
    for i in range(n):
        if rng.random() < 0.03:
            level = rng.uniform(0.1, 1.0)
        valve[i] = level
    flow, press, temp, power = np.zeros(n), np.zeros(n), np.full(n, 40.0), np.zeros(n)
    for i in range(1, n):
        flow[i] = flow[i - 1] + 0.15 * (60 * valve[i] - flow[i - 1]) + rng.normal(0, 0.5)
        press[i] = 6.5 - 0.0007 * flow[i] ** 2 + rng.normal(0, 0.05)
        power[i] = 4 + 0.028 * flow[i] * press[i] + 0.9 * abs(flow[i] - flow[i - 4]) * 0.3 + rng.normal(0, 0.25)
        temp[i] = temp[i - 1] + 0.02 * (30 + 1.5 * power[i] - temp[i - 1]) + rng.normal(0, 0.05)
    x = np.column_stack([press, flow, valve, temp]).astype(np.float32)
    return x[50:], power[50:].astype(np.float32)


class SoftSensorData(Dataset):
    def __init__(self, x, y):
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)

    def __len__(self):
        return len(self.x) - HISTORY + 1

    def __getitem__(self, i):
        return self.x[i:i + HISTORY].t(), self.y[i + HISTORY - 1]


class CausalConv(nn.Module):
    def __init__(self, cin, cout, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = nn.Conv1d(cin, cout, 3, dilation=dilation)
        self.skip = nn.Conv1d(cin, cout, 1)
        self.norm = nn.GroupNorm(4, cout)

    def forward(self, x):
        h = self.conv(nn.functional.pad(x, (self.pad, 0)))
        return torch.relu(self.norm(h) + self.skip(x))


class TCN(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.body = nn.Sequential(
            CausalConv(4, channels, 1), CausalConv(channels, channels, 2), CausalConv(channels, channels, 4))
        self.head = nn.Sequential(
            nn.Linear(channels, 32),
            nn.ReLU(),
            nn.Linear(32, 1),
        )

    def forward(self, x):
        return self.head(self.body(x)[:, :, -1]).squeeze(-1)


def r2_score(model, loader):
    model.eval()
    with torch.no_grad():
        out = [(model(x), y) for x, y in loader]
    pred, true = torch.cat([o[0] for o in out]), torch.cat([o[1] for o in out])
    return 1 - ((pred - true) ** 2).mean().item() / true.var().item()


def main():
    torch.manual_seed(0)
    x, y = plant_log()
    n_train = 4500
    x = (x - x[:n_train].mean(0)) / x[:n_train].std(0)
    y = (y - y[:n_train].mean()) / y[:n_train].std()
    train = DataLoader(SoftSensorData(x[:n_train], y[:n_train]), batch_size=64, shuffle=True)
    test = DataLoader(SoftSensorData(x[n_train:], y[n_train:]), batch_size=500)

    model = TCN()
    criterion = nn.HuberLoss()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=5e-4)
    for epoch in range(8):
        model.train()
        total = 0.0
        for xb, yb in train:
            optimizer.zero_grad()
            loss = criterion(model(xb), yb)
            loss.backward()
            optimizer.step()
            total += loss.item() * len(yb)
        print(f"epoch {epoch + 1} train huber {total / len(train.dataset):.4f} test r2 {r2_score(model, test):.4f}")


if __name__ == "__main__":
    main()
