"""Density of two moons by affine couplings; the loss is a negative log-likelihood in nats."""
import math

import torch
from sklearn.datasets import make_moons
from torch import nn


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, 2))
        nn.init.zeros_(self.net[-1].weight)
        nn.init.zeros_(self.net[-1].bias)

    def forward(self, x):
        a, b = x.flip(1).chunk(2, 1) if self.flip else x.chunk(2, 1)
        log_scale, shift = self.net(a).chunk(2, 1)
        log_scale = 2.0 * torch.tanh(log_scale / 2.0)
        b = b * log_scale.exp() + shift
        return torch.cat([b, a] if self.flip else [a, b], 1), log_scale.sum(1)


class Flow(nn.Module):
    def __init__(self, depth=6):
        super().__init__()
        self.layers = nn.ModuleList([Coupling(k % 2 == 1) for k in range(depth)])

    def log_prob(self, x):
        total = torch.zeros(len(x))
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return total - 0.5 * x.pow(2).sum(1) - math.log(2 * math.pi)


torch.manual_seed(8)
points, _ = make_moons(3000, noise=0.08, random_state=8)
x = torch.tensor(points, dtype=torch.float32)
x = (x - x[:2000].mean(0)) / x[:2000].std(0)
train, test = x[:2000], x[2000:]
flow = Flow()
optimizer = torch.optim.Adam(flow.parameters(), lr=1e-2)
steps = 1000
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
for step in range(steps):
    rows = torch.randint(len(train), (200,))
    loss = -flow.log_prob(train[rows]).mean()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(flow.parameters(), 2.0)
    optimizer.step()
    schedule.step()
    if step % 200 == 199:
        with torch.no_grad():
            print(f"step {step + 1} nll {loss.item():.3f} held out {-flow.log_prob(test).mean().item():.3f}")
