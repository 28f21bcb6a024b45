"""Forecast a pressure sensor (in pascal) from its last readings; output in standard units."""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(2)
t = torch.arange(1400, dtype=torch.float32)
pressure = 101325 + 800 * torch.sin(t / 5) + 500 * torch.sin(t / 13) + 100 * torch.randn(1400)
mean, std = pressure[:1000].mean(), pressure[:1000].std()
readings = (pressure - mean) / std
target = (pressure - mean) / std


def dataset(rows, history=16):
    x = readings[rows].unfold(0, history, 1)[:-1]
    return TensorDataset(x, target[rows][history:].unsqueeze(1))


train_loader = DataLoader(dataset(slice(0, 1000)), batch_size=41, shuffle=True)
val_loader = DataLoader(dataset(slice(1000, 1400)), batch_size=384)
model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(12):
    model.train()
    for x, y in train_loader:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = sum(nn.functional.mse_loss(model(x), y).item() for x, y in val_loader)
    print(f"epoch {epoch}: loss {loss.item():.3f}, val mse {val:.3f}")
