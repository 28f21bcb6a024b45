"""Heteroscedastic regression: predict a mean and a log-variance."""
import math

import torch
from torch import nn

torch.manual_seed(0)

x = 6 * torch.rand(800, 1) - 3
y = torch.sin(2 * x) + x / 3 + 0.05 * (1 + x.abs()) * torch.randn(800, 1)
x = (x - x[:600].mean()) / x[:600].std()
y = (y - y[:600].mean()) / y[:600].std()


def gaussian_nll(mean, log_var, target):
    squared = (target - mean) ** 2 / log_var.exp()
    log_likelihood = 0.5 * (squared + log_var + math.log(2 * math.pi))
    return -log_likelihood.mean()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh())
        self.mean = nn.Linear(48, 1)
        self.log_var = nn.Linear(48, 1)

    def forward(self, x):
        h = self.shared(x)
        return self.mean(h), self.log_var(h).clamp(-6, 6)


net = Net()
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
for epoch in range(30):
    for batch in torch.randperm(600).split(50):
        mean, log_var = net(x[batch])
        loss = gaussian_nll(mean, log_var, y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 5 == 4:
        with torch.no_grad():
            mean, log_var = net(x[600:])
            rmse = (mean - y[600:]).square().mean().sqrt()
        print(f"epoch {epoch + 1}: train nll {loss.item():.3f}, val rmse {rmse.item():.4f}")
