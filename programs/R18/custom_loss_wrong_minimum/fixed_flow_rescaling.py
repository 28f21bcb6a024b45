"""A flow with learned rescaling between its couplings, for the joint distribution of petal and sepal sizes."""
import math

import torch
from sklearn.datasets import load_iris
from torch import nn


class Rescale(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(size))
        self.shift = nn.Parameter(torch.zeros(size))

    def forward(self, x):
        return (x + self.shift) * self.log_scale.exp(), self.log_scale.sum().expand(len(x))

    def inverse(self, z):
        return z * (-self.log_scale).exp() - self.shift


class Coupling(nn.Module):
    def __init__(self, size, flip, hidden=32):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(size // 2, hidden), nn.Tanh(), nn.Linear(hidden, size))
        nn.init.normal_(self.net[-1].weight, std=0.01)

    def split(self, x):
        a, b = x.chunk(2, 1)
        return (b, a) if self.flip else (a, b)

    def join(self, a, b):
        return torch.cat((b, a) if self.flip else (a, b), 1)

    def forward(self, x):
        a, b = self.split(x)
        log_scale, shift = self.net(a).chunk(2, 1)
        log_scale = torch.tanh(log_scale)
        return self.join(a, b * log_scale.exp() + shift), log_scale.sum(1)

    def inverse(self, z):
        a, b = self.split(z)
        log_scale, shift = self.net(a).chunk(2, 1)
        return self.join(a, (b - shift) * (-torch.tanh(log_scale)).exp())


class Flow(nn.Module):
    def __init__(self, size, depth=4):
        super().__init__()
        layers = []
        for k in range(depth):
            layers += [Rescale(size), Coupling(size, k % 2 == 1)]
        self.size, self.layers = size, nn.ModuleList(layers)

    def forward(self, x):
        total = torch.zeros(len(x))
        for layer in self.layers:
            x, log_det = layer(x)
            total = total + log_det
        return x, total

    @torch.no_grad()
    def sample(self, count):
        z = torch.randn(count, self.size)
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


torch.manual_seed(90)
table = torch.tensor(load_iris().data, dtype=torch.float32)
table = (table - table.mean(0)) / table.std(0)
table = (table[torch.randint(150, (2400,))] + 0.15 * torch.randn(2400, 4))[:, [0, 2, 1, 3]]
train, test = table[:1600], table[1600:]
flow = Flow(4)
optimizer = torch.optim.Adam(flow.parameters(), lr=5e-3)
for epoch in range(15):
    for rows in torch.randperm(1600).split(80):
        z, log_det = flow(train[rows])
        loss = (0.5 * z.square().sum(1) + 2 * math.log(2 * math.pi) - log_det).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
        optimizer.step()
    if epoch % 3 == 2:
        distance = energy_distance(flow.sample(1500), test)
        print(f"epoch {epoch + 1} nll {loss.item():.3f} energy distance of samples {distance:.4f}")
