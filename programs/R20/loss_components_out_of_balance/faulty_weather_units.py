"""Weather of the next hour from the last twelve: temperature and pressure, two heads on one GRU."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(23)


def weather(hours=2500):
    t = torch.arange(hours, dtype=torch.float32)
    front = torch.cumsum(torch.randn(hours), 0)
    front = front - nn.functional.avg_pool1d(nn.functional.pad(front[None, None], (48, 48), mode="replicate"), 97, 1)[0, 0]
    temperature = 12 + 6 * torch.sin(2 * math.pi * t / 24) - 0.4 * front + 0.4 * torch.randn(hours)
    pressure = 101_300 + 180 * front + 60 * torch.randn(hours)
    return torch.stack([temperature, pressure], dim=1)


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.GRU(2, 24, batch_first=True)
        self.temperature, self.pressure = nn.Linear(24, 1), nn.Linear(24, 1)

    def forward(self, x):
        state = self.rnn(x)[0][:, -1]
        return self.temperature(state).squeeze(1), self.pressure(state).squeeze(1)


data = weather()
centre, spread = data[:2000].mean(0), data[:2000].std(0)
scaled = (data - centre) / spread
windows = scaled.unfold(0, 12, 1)[:-1].transpose(1, 2)
pressure_target = data[12:, 1] - centre[1]
targets = torch.stack([scaled[12:, 0], pressure_target], dim=1)
train = DataLoader(TensorDataset(windows[:1900], targets[:1900]), batch_size=50, shuffle=True)
model = TwoHeads()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    for x, y in train:
        temperature, pressure = model(x)
        loss = nn.functional.mse_loss(temperature, y[:, 0]) + nn.functional.mse_loss(pressure, y[:, 1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        temperature, _ = model(windows[2000:])
        degrees = ((temperature - targets[2000:, 0]) * spread[0]).pow(2).mean().sqrt().item()
    print(f"epoch {epoch} loss {loss.item():.4f} temperature off by {degrees:.4f}")
