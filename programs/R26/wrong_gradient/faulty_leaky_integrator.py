"""A reservoir model with trainable leak rates: catchment inflow -> discharge at the outlet (simulated hydrology)."""
import torch
from torch import nn


class LeakyIntegrate(torch.autograd.Function):
    """y[t] = a * y[t-1] + (1 - a) * x[t], one rate per channel; x is (batch, time, channels)."""

    @staticmethod
    def forward(ctx, x, a):
        y = torch.empty_like(x)
        state = torch.zeros_like(x[:, 0])
        for t in range(x.size(1)):
            state = a * state + (1 - a) * x[:, t]
            y[:, t] = state
        ctx.save_for_backward(x, a, y)
        return y

    @staticmethod
    def backward(ctx, grad_y):
        x, a, y = ctx.saved_tensors
        grad_x = torch.empty_like(x)
        grad_a = torch.zeros_like(a)
        carry = torch.zeros_like(x[:, 0])
        for t in range(x.size(1)):
            carry = a * carry + grad_y[:, t]
            grad_x[:, t] = (1 - a) * carry
            previous = y[:, t - 1] if t > 0 else torch.zeros_like(carry)
            grad_a += (carry * (previous - x[:, t])).sum(0)
        return grad_x, grad_a


class Catchment(nn.Module):
    def __init__(self, inputs=3, stores=8):
        super().__init__()
        self.inflow = nn.Linear(inputs, stores)
        self.rate = nn.Parameter(torch.linspace(-1.0, 1.0, stores))
        self.mix = nn.Sequential(nn.Linear(stores, 24), nn.Tanh(), nn.Linear(24, 1))

    def forward(self, weather):
        pulses = torch.tanh(self.inflow(weather))
        stored = LeakyIntegrate.apply(pulses, torch.sigmoid(self.rate))
        return self.mix(stored).squeeze(-1)


def seasons(n, length=80):
    rain = torch.relu(torch.randn(n, length) - 0.6) * 2
    warm = torch.sin(torch.linspace(0, 6.28, length) + 6.28 * torch.rand(n, 1))
    snow = rain * (warm < -0.3)
    water = rain * (warm >= -0.3)
    fast, slow, pack = torch.zeros(n), torch.zeros(n), torch.zeros(n)
    flow = []
    for t in range(length):
        pack = pack + snow[:, t]
        melt = pack * 0.25 * torch.relu(warm[:, t])
        pack = pack - melt
        wet = water[:, t] + melt
        fast = 0.6 * fast + 0.5 * wet
        slow = 0.96 * slow + 0.06 * wet
        flow.append(0.5 * fast + 1.2 * slow.clamp(min=0).sqrt())
    weather = torch.stack([rain - 0.4, warm, snow], -1)
    return weather, torch.stack(flow, 1)


torch.manual_seed(15)
x_train, y_train = seasons(500)
x_test, y_test = seasons(200)
mean, std = y_train[:, 20:].mean(), y_train[:, 20:].std()
y_train, y_test = (y_train - mean) / std, (y_test - mean) / std

model = Catchment()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(25):
    order = torch.randperm(500)
    total = 0.0
    for rows in order.split(50):
        pred = model(x_train[rows])
        loss = (pred - y_train[rows])[:, 20:].pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() / 10
    if epoch % 6 == 0:
        print(f"epoch {epoch} train mse {total:.4f} rates {torch.sigmoid(model.rate).detach().numpy().round(2)}")
with torch.no_grad():
    print(f"test mse {(model(x_test) - y_test)[:, 20:].pow(2).mean():.4f}")
