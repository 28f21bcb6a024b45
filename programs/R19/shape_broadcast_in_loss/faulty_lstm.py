import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset


class Windows(Dataset):
    """Windows of a series; the target is the value that follows each window."""

    def __init__(self, series, window):
        self.series = torch.as_tensor(series, dtype=torch.float32)
        self.window = window

    def __len__(self):
        return len(self.series) - self.window

    def __getitem__(self, i):
        x = self.series[i : i + self.window].unsqueeze(-1)
        y = self.series[i + self.window]
        return x, y


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.lstm = nn.LSTM(1, hidden, batch_first=True)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.lstm(x)
        return self.linear(out[:, -1])


def main():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    t = np.arange(1200)
    series = np.sin(2 * np.pi * t / 25) + 0.5 * np.sin(2 * np.pi * t / 60)
    series += 0.05 * rng.standard_normal(len(t))
    mean, std = series[:900].mean(), series[:900].std()
    series = (series - mean) / std
    train = DataLoader(Windows(series[:900], 20), batch_size=32, shuffle=True)
    val = DataLoader(Windows(series[900:], 20), batch_size=300)
    model = Forecaster()
    criterion = nn.MSELoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for epoch in range(12):
        losses = []
        for x, y in train:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            x, y = next(iter(val))
            rmse = (model(x).flatten() - y.flatten()).square().mean().sqrt().item()
        print(f"epoch {epoch}: train mse {np.mean(losses):.4f}, val rmse {rmse:.4f}")


if __name__ == "__main__":
    main()
