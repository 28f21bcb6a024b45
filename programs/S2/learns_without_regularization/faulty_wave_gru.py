"""Which of four oscillators made a noisy signal? A recurrent network with dropout on its input and output, and weight decay."""
import math

import torch
from torch import nn

torch.manual_seed(12)
t = torch.linspace(0, 1, 40)


def signals(count):
    kind = torch.randint(4, (count,))
    phase, rate = 2 * math.pi * torch.rand(count, 1), 3 + 2 * torch.rand(count, 1)
    angle = 2 * math.pi * rate * t + phase
    shapes = torch.stack(
        [angle.sin(), angle.sin().sign(), angle.sin().asin() / 1.57, (angle / (2 * math.pi)).frac() * 2 - 1]
    )
    return (shapes[kind, torch.arange(count)] + 0.1 * torch.randn(count, 40)).unsqueeze(2), kind


x, y = signals(1200)
x_test, y_test = signals(400)


class Listener(nn.Module):
    def __init__(self, dropout=0.5):
        super().__init__()
        self.inputs, self.drop = nn.Linear(1, 16), nn.Dropout(dropout)
        self.gru = nn.GRU(16, 32, batch_first=True)
        self.out = nn.Linear(32, 4)

    def forward(self, x):
        states, _ = self.gru(self.drop(self.inputs(x)))
        return self.out(self.drop(states.amax(1)))


model = Listener()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=2.5e-2)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(len(x)).split(40):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        accuracy = (model(x_test).argmax(1) == y_test).float().mean()
    print(f"epoch {epoch}: loss {loss.item():.3f} test accuracy {accuracy:.4f}")
