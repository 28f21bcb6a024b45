"""Which of four movements? An LSTM over the steps of a sensor, behind a layer that is to make it robust to when they begin."""
import math

import torch
from torch import nn


class Shift(nn.Module):
    """Turns the channels round and round by a random amount, so that no channel is relied on."""

    def forward(self, x):
        if not self.training:
            return x
        return x * (1 + 0.1 * torch.randn(len(x), 1, 1))


class Movements(nn.Module):
    def __init__(self):
        super().__init__()
        self.inputs = nn.Sequential(nn.Linear(3, 24), nn.Tanh())
        self.shift = Shift()
        self.lstm = nn.LSTM(24, 32, batch_first=True)
        self.out = nn.Linear(32, 4)

    def forward(self, x):
        states, _ = self.lstm(self.shift(self.inputs(x)))
        return self.out(states[:, -1])


torch.manual_seed(31)
t = torch.linspace(0, 2 * math.pi, 30)


def recordings(count):
    kind = torch.randint(4, (count,))
    rate, phase = 1 + kind[:, None] % 2 + 0.2 * torch.rand(count, 1), 6.3 * torch.rand(count, 1)
    turn = torch.where(kind[:, None] < 2, 1.0, -1.0) * math.pi / 2
    x = torch.stack([(rate * t + phase).sin(), (rate * t + phase + turn).sin(), torch.rand(count, 30) - 0.5], 2)
    return x + 0.2 * torch.randn_like(x), kind


x, y = recordings(1200)
x_test, y_test = recordings(400)
model = Movements()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(8):
    model.train()
    for rows in torch.randperm(len(x)).split(40):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
