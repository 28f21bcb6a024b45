"""Forecast a seasonal series; the window is normalized before the recurrent layer."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(5)
history, cut = 24, 1000
t = torch.arange(1400, dtype=torch.float32)
series = torch.sin(2 * math.pi * t / 24) + 0.6 * torch.sin(2 * math.pi * t / 7) + 0.1 * torch.randn(1400)
series = (series - series[:cut].mean()) / series[:cut].std()


class Forecaster(nn.Module):
    def __init__(self, hidden=24):
        super().__init__()
        self.norm = nn.LayerNorm(1)
        self.gru = nn.GRU(1, hidden, batch_first=True)
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        out, _ = self.gru(self.norm(x))
        return self.head(out[:, -1])


def dataset(part):
    windows = part.unfold(0, history + 1, 1)
    return TensorDataset(windows[:, :-1].unsqueeze(-1), windows[:, -1:])


train_loader = DataLoader(dataset(series[:cut]), batch_size=40, shuffle=True)
val_loader = DataLoader(dataset(series[cut:]), batch_size=376)
model = Forecaster()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for epoch in range(7):
    model.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = sum(nn.functional.mse_loss(model(x), y).item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val mse {val:.3f}")
