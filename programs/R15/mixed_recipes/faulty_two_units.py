"""Wave records of two buoys; one of them reports millimetres, the other metres."""
import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset

torch.manual_seed(3)


def buoy(hours, unit):
    t = torch.arange(hours, dtype=torch.float32)
    height = 2 + torch.sin(t / 3 + 6.28 * torch.rand(())) + 0.5 * torch.sin(t / 10) + 0.1 * torch.randn(hours)
    record = height * unit
    windows, target = record.unfold(0, 16, 1)[:-1], (height[16:] - 2) / 0.8
    return windows, target.unsqueeze(1)


records = [buoy(900, unit=1.0), buoy(900, unit=1000.0)]
train_x = torch.cat([x[:600] for x, _ in records])
mean, std = train_x.mean(), train_x.std()
train_set = ConcatDataset([TensorDataset((x[:600] - mean) / std, t[:600]) for x, t in records])
val_x = torch.cat([(x[620:] - mean) / std for x, _ in records])
val_t = torch.cat([t[620:] for _, t in records])
train_loader = DataLoader(train_set, batch_size=40, shuffle=True)

model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(8):
    model.train()
    for x, t in train_loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), t)
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        val = nn.functional.mse_loss(model(val_x), val_t).item()
    print(f"epoch {epoch}: loss {loss.item():.3f}, val mse {val:.3f}")
