"""Which of four movements? An LSTM over a sensor's steps; the gradients of many batches are added up before each step."""
import math

import torch
from torch import nn

torch.manual_seed(42)
t = torch.linspace(0, 2 * math.pi, 24)


def recordings(count):
    kind = torch.randint(4, (count,))
    rate, phase = 1 + kind[:, None] % 2 + 0.2 * torch.rand(count, 1), 6.3 * torch.rand(count, 1)
    turn = torch.where(kind[:, None] < 2, 1.0, -1.0) * math.pi / 2
    x = torch.stack([(rate * t + phase).sin(), (rate * t + phase + turn).sin()], 2)
    return x + 0.2 * torch.randn_like(x), kind


class Movements(nn.Module):
    def __init__(self, width=32):
        super().__init__()
        self.lstm, self.out = nn.LSTM(2, width, batch_first=True), nn.Linear(width, 4)

    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1])


x, y = recordings(1600)
x_test, y_test = recordings(500)
model = Movements()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
ACCUMULATE = 1
for epoch in range(10):
    for number, rows in enumerate(torch.randperm(len(x)).split(32)):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        (loss / ACCUMULATE).backward()
        if (number + 1) % ACCUMULATE == 0:
            optimizer.step()
            optimizer.zero_grad()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
