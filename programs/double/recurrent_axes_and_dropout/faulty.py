"""Rhythm of a machine's vibration, slow to fast, from a sequence of readings: a GRU regresses the frequency."""
import math

import torch
from torch import nn


def sequences(count, seed):
    g = torch.Generator().manual_seed(seed)
    frequency = 0.02 + 0.13 * torch.rand(count, generator=g)
    phase = 6.28 * torch.rand(count, 1, generator=g)
    t = torch.arange(30)
    readings = torch.sin(2 * math.pi * frequency[:, None] * t + phase) + 0.1 * torch.randn(count, 30, generator=g)
    return readings[..., None], (frequency - 0.085) / 0.0375


class Rhythm(nn.Module):
    def __init__(self, hidden=32, dropout=0.9):
        super().__init__()
        self.gru = nn.GRU(1, hidden)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Sequential(nn.Linear(hidden, 24), nn.ReLU(), nn.Linear(24, 1))

    def forward(self, x):
        out, _ = self.gru(x)
        return self.head(self.dropout(out[:, -1])).squeeze(1)


def r2(model, x, y):
    model.eval()
    with torch.no_grad():
        return (1 - ((model(x) - y) ** 2).mean() / y.var()).item()


def main():
    torch.manual_seed(10)
    x, y = sequences(1600, 1)
    x_test, y_test = sequences(400, 2)
    model = Rhythm()
    optimizer = torch.optim.Adam(model.parameters(), lr=4e-3)
    for epoch in range(12):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(x)).split(40):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item() * len(rows)
        print(f"{epoch:2d} loss {total / len(x):.4f} test R2 {r2(model, x_test, y_test):.4f}")


if __name__ == "__main__":
    main()
