import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

WINDOW = 36
HORIZON = 3


def tide_series(hours=4000, seed=8):
    """Sea level in cm: lunar and solar tides plus weather."""
    rng = np.random.default_rng(seed)
    t = np.arange(hours)
    level = 120 * np.sin(2 * np.pi * t / 12.42) + 40 * np.sin(2 * np.pi * t / 12.0 + 1)
    level += 25 * np.sin(2 * np.pi * t / 25.8 + 2)
    surge = np.zeros(hours)
    for i in range(1, hours):
        surge[i] = 0.97 * surge[i - 1] + rng.normal(0, 4)
    return (level + surge + rng.normal(0, 3, hours)).astype(np.float32)


class TideWindows(Dataset):
    def __init__(self, series):
        self.series = torch.from_numpy(series)

    def __len__(self):
        return len(self.series) - WINDOW - HORIZON

    def __getitem__(self, i):
        x = self.series[i : i + WINDOW].unsqueeze(-1)
        y = self.series[i + WINDOW + HORIZON - 1]
        return x, y


class TideGRU(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Sequential(
            nn.Linear(hidden, 32),
            nn.ReLU(),
            nn.Linear(32, 1),
            nn.ReLU(),
        )

    def forward(self, x):
        out, _ = self.gru(x)
        return self.head(out[:, -1]).squeeze(-1)


class Experiment:
    def __init__(self, epochs=5):
        torch.manual_seed(0)
        series = tide_series()
        cut = 3200
        mean, std = series[:cut].mean(), series[:cut].std()
        series = (series - mean) / std
        self.std = std
        self.epochs = epochs
        self.train_loader = DataLoader(TideWindows(series[:cut]), batch_size=64, shuffle=True)
        self.test_loader = DataLoader(TideWindows(series[cut:]), batch_size=256)
        self.model = TideGRU()
        self.loss = nn.MSELoss()
        self.opt = torch.optim.Adam(self.model.parameters(), lr=3e-3)
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(self.opt, patience=1, factor=0.5)

    def fit(self):
        for epoch in range(self.epochs):
            self.model.train()
            total = 0.0
            for x, y in self.train_loader:
                loss = self.loss(self.model(x), y)
                self.opt.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                self.opt.step()
                total += loss.item()
            mse = total / len(self.train_loader)
            self.plateau.step(mse)
            print(f"epoch {epoch + 1} train mse {mse:.4f} test rmse {self.test_rmse():.4f}")

    def test_rmse(self):
        self.model.eval()
        err, n = 0.0, 0
        with torch.no_grad():
            for x, y in self.test_loader:
                err += ((self.model(x) - y) ** 2).sum().item()
                n += len(y)
        return (err / n) ** 0.5


exp = Experiment()
exp.fit()
rel = exp.test_rmse()
print(f"error {rel * exp.std:.1f} cm")
print(f"relative rmse {rel:.3f}")
