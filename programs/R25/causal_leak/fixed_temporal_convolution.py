"""A temporal convolutional network predicts the next value at every step, then continues the series by itself."""
import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(5)


class TemporalBlock(nn.Module):
    def __init__(self, inputs, outputs, kernel, dilation):
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.conv = nn.Conv1d(inputs, outputs, kernel, dilation=dilation, padding=0)
        self.skip = nn.Conv1d(inputs, outputs, 1)

    def forward(self, x):
        padded = F.pad(x, (self.reach, 0))
        return torch.relu(self.conv(padded)) + self.skip(x)


class Forecaster(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.blocks = nn.Sequential(
            TemporalBlock(1, channels, 3, 1), TemporalBlock(channels, channels, 3, 2), TemporalBlock(channels, channels, 3, 4)
        )
        self.out = nn.Conv1d(channels, 1, 1)

    def forward(self, x):
        return self.out(self.blocks(x[:, None]))[:, 0]


def series(count, length=97):
    t = torch.arange(length)
    phase, period = 2 * math.pi * torch.rand(count, 1), 8 + 8 * torch.rand(count, 1)
    wave = torch.sin(2 * math.pi * t / period + phase)
    return wave + 0.4 * torch.sin(4 * math.pi * t / period + 2 * phase) + 0.05 * torch.randn(count, length)


@torch.no_grad()
def rollout_error(model, data, known=64, ahead=16):
    history = data[:, :known]
    for _ in range(ahead):
        history = torch.cat([history, model(history)[:, -1:]], dim=1)
    return (history[:, known:] - data[:, known : known + ahead]).pow(2).mean().sqrt().item()


train, test = series(600), series(100)
model = Forecaster()
optimizer = torch.optim.Adam(model.parameters(), lr=6e-3)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10 * 30)
for epoch in range(10):
    for rows in torch.randperm(len(train)).split(20):
        batch = train[rows]
        loss = F.mse_loss(model(batch[:, :-1]), batch[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    with torch.no_grad():
        one_step = F.mse_loss(model(test[:, :-1]), test[:, 1:]).sqrt().item()
    print(f"epoch {epoch} one step {one_step:.4f} sixteen steps {rollout_error(model, test):.4f}")
