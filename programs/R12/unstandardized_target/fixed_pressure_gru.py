"""Air pressure of the next hour, in pascals, from the last half day of three sensors."""
import torch
from torch import nn

torch.manual_seed(12)
HOURS, WINDOW, BATCH = 1800, 12, 40


def station(hours):
    front = torch.zeros(hours)
    for hour in range(1, hours):
        front[hour] = 0.97 * front[hour - 1] + torch.randn(())
    wind = torch.roll(front, -2) + 0.3 * torch.randn(hours)
    moist = 0.5 * front + 0.2 * torch.randn(hours)
    return torch.stack([front, wind, moist], 1), 101_325 + 210 * front + 30 * torch.randn(hours)


class Forecaster(nn.Module):
    def __init__(self, sensors=3, hidden=24):
        super().__init__()
        self.rnn = nn.GRU(sensors, hidden, batch_first=True)
        self.out = nn.Sequential(nn.Linear(hidden, hidden), nn.Tanh(), nn.Linear(hidden, 1))

    def forward(self, window):
        _, last = self.rnn(window)
        return self.out(last[0])[:, 0]


def in_units(pascals):
    return (pascals - mean) / std


sensors, pressure = station(HOURS)
sensors = (sensors - sensors[:1400].mean(0)) / sensors[:1400].std(0)
windows = sensors.unfold(0, WINDOW, 1)[:-1].transpose(1, 2)
mean, std = pressure[:1400].mean(), pressure[:1400].std()
following = in_units(pressure[WINDOW:])
model = Forecaster()
optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
for epoch in range(8):
    order = torch.randperm(1400)
    for rows in order.split(BATCH):
        loss = nn.functional.smooth_l1_loss(model(windows[rows]), following[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
    with torch.no_grad():
        error, level = model(windows[1400:]) - following[1400:], following[1400:]
        explained = 1 - (error.square().sum() / (level - level.mean()).square().sum()).item()
    print(f"epoch {epoch} loss {loss.item():.4g} explained variance {explained:.4f}")
