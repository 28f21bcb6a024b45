"""Bearing condition from vibration: windows of 96 samples that overlap by half, and a small 1-d CNN."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

torch.manual_seed(3)
rng = np.random.default_rng(3)
MACHINES, CONDITIONS, WINDOW = 10, 3, 96


def vibration(machine, condition, length=1500):
    """Each machine has its own speed and resonances; wear adds knocks."""
    own = np.random.default_rng(50 + machine)
    speed, tone, phase = own.uniform(0.05, 0.09), own.uniform(0.2, 0.45), own.uniform(0, 6, 3)
    t = np.arange(length)
    hum = np.sin(2 * np.pi * speed * t + phase[0]) + own.uniform(0.3, 0.9) * np.sin(2 * np.pi * tone * t + phase[1])
    knocks = np.cos(2 * np.pi * speed * (2 + condition) * t + phase[2]) ** 20
    drift = np.cumsum(rng.normal(0, 0.05, length))
    return (hum + [0.0, 0.25, 0.45][condition] * knocks + drift + rng.normal(0, 0.5, length)).astype(np.float32)


x, y, machine = [], [], []
for m in range(MACHINES):
    for condition in range(CONDITIONS):
        signal = vibration(m, condition)
        for start in range(0, len(signal) - WINDOW + 1, WINDOW // 2):
            x.append(signal[None, start:start + WINDOW])
            y.append(condition)
            machine.append(m)
x, y, machine = torch.from_numpy(np.stack(x)), torch.tensor(y), torch.tensor(machine)
held = torch.isin(machine, torch.randperm(MACHINES)[:3])
x = (x - x[~held].mean()) / x[~held].std()
data = TensorDataset(x, y)
train = DataLoader(Subset(data, torch.where(~held)[0].tolist()), batch_size=32, shuffle=True)
val = DataLoader(Subset(data, torch.where(held)[0].tolist()), batch_size=200)

model = nn.Sequential(nn.Conv1d(1, 24, 9, padding=4), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(24, 32, 7, padding=3), nn.ReLU(),
                      nn.MaxPool1d(2), nn.Flatten(), nn.Linear(32 * 24, 64), nn.ReLU(), nn.Linear(64, CONDITIONS))
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for epoch in range(20):
    model.train()
    for xb, yb in train:
        loss = nn.functional.cross_entropy(model(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        right = sum((model(xb).argmax(1) == yb).sum().item() for xb, yb in val)
    print(f"epoch {epoch}: train loss {loss.item():.3f}, validation accuracy {right / held.sum().item():.3f}")
