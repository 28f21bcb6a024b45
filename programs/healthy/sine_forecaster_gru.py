"""Forecast the next value of a noisy seasonal series."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
time = torch.arange(1600, dtype=torch.float32)
series = (
    torch.sin(2 * math.pi * time / 24) + 0.5 * torch.sin(2 * math.pi * time / 168) + 0.1 * torch.randn(1600)
)

history = 24
cut = 1200
mean, std = series[:cut].mean(), series[:cut].std()
series = (series - mean) / std


def windows(part):
    w = part.unfold(0, history + 1, 1)
    return TensorDataset(w[:, :history].unsqueeze(-1), w[:, history])


train_loader = DataLoader(windows(series[:cut]), batch_size=64, shuffle=True)
val_loader = DataLoader(windows(series[cut:]), batch_size=400)


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(1, 24, batch_first=True)
        self.head = nn.Linear(24, 1)

    def forward(self, x):
        out, _ = self.gru(x)
        return self.head(out[:, -1]).squeeze(-1)


model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=2)
criterion = nn.MSELoss()

for epoch in range(8):
    model.train()
    train_loss = 0.0
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        optimizer.step()
        train_loss += loss.item() / len(train_loader)
    model.eval()
    with torch.no_grad():
        val_loss = sum(criterion(model(x), y).item() for x, y in val_loader) / len(val_loader)
    scheduler.step(val_loss)
    print(f"epoch {epoch}: train mse {train_loss:.4f}, val mse {val_loss:.4f}")
