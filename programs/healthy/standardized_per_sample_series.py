"""Waves, each standardized by its own mean and deviation, as the public archives of time series are."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(11)
t = torch.linspace(0, 10, 50)
kind = torch.randint(4, (1200,))
phase, speed = 6.28 * torch.rand(1200, 1), 1 + 0.2 * torch.randn(1200, 1)
base = torch.sin(speed * t + phase)
shapes = torch.stack([base, base.abs(), base**3, torch.sin(speed * t * (1 + t / 10) + phase)], dim=1)
x = shapes[torch.arange(1200), kind] + 0.15 * torch.randn(1200, 50)
x = (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)
loader = DataLoader(TensorDataset(x[:900], kind[:900]), batch_size=30, shuffle=True)
val_loader = DataLoader(TensorDataset(x[900:], kind[900:]), batch_size=300)
model = nn.Sequential(
    nn.Unflatten(1, (1, 50)),
    nn.Conv1d(1, 24, 7),
    nn.BatchNorm1d(24),
    nn.ReLU(),
    nn.Conv1d(24, 48, 5, stride=2),
    nn.BatchNorm1d(48),
    nn.ReLU(),
    nn.AdaptiveMaxPool1d(2),
    nn.Flatten(),
    nn.Linear(96, 4),
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(7):
    model.train()
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(xb), yb)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = sum((model(xb).argmax(1) == yb).float().mean().item() for xb, yb in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f} val accuracy {accuracy:.3f}")
