"""From a minute of a swinging ball's three coordinates a recurrent network is to tell the wind that pushes it, as a vector."""
import torch
from torch import nn

torch.manual_seed(18)


def flights(count, steps=30):
    wind = 2.0 * torch.randn(count, 3)
    place, speed, rows = torch.randn(count, 3), torch.zeros(count, 3), []
    for _ in range(steps):
        speed = speed + 0.1 * (wind - place - 0.4 * speed)
        place = place + 0.1 * speed
        rows.append(place + 0.02 * torch.randn(count, 3))
    return torch.stack(rows, 1), wind


x, y = flights(1000)
x_test, y_test = flights(300)


class WindSensor(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.gru = nn.GRU(3, width, batch_first=True)
        self.out = nn.Linear(width, 3)

    def forward(self, x):
        _, state = self.gru(x)
        return self.out(state[0])


model = WindSensor()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(10):
    for rows in torch.randperm(len(x)).split(40):
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        left = (model(x_test) - y_test).square().sum() / (y_test - y.mean(0)).square().sum()
    print(f"epoch {epoch}: loss {loss.item():.3f} test R2 {1 - left:.4f}")
