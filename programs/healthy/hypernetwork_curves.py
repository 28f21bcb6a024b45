"""A network writes the weights of a small one from a few points of a curve; the small one draws the rest."""
import math

import torch
from torch import nn
from torch.func import functional_call, vmap

CONTEXT, QUERY = 10, 16


def curves(count):
    amplitude = torch.empty(count, 1).uniform_(0.5, 2.0)
    phase = torch.empty(count, 1).uniform_(0, math.pi)
    x = torch.empty(count, CONTEXT + QUERY).uniform_(-3, 3)
    return x[..., None], (amplitude * torch.sin(x + phase))[..., None]


small = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))
shapes = {name: value.shape for name, value in small.named_parameters()}
sizes = [shape.numel() for shape in shapes.values()]


class Hypernetwork(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.points = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.weights = nn.Linear(width, sum(sizes))
        nn.init.normal_(self.weights.weight, std=0.02)
        nn.init.normal_(self.weights.bias, std=0.5)

    def forward(self, x, y):
        flat = self.weights(self.points(torch.cat([x, y], -1)).mean(1))
        pieces = flat.split(sizes, dim=1)
        return {name: piece.view(-1, *shape) for piece, (name, shape) in zip(pieces, shapes.items())}


draw = vmap(lambda params, x: functional_call(small, params, (x,)))

torch.manual_seed(6)
hyper = Hypernetwork()
optimizer = torch.optim.Adam(hyper.parameters(), lr=7e-3)
schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, total_iters=2000)
x_test, y_test = curves(500)
running = None
for step in range(2000):
    x, y = curves(32)
    params = hyper(x[:, :CONTEXT], y[:, :CONTEXT])
    loss = (draw(params, x[:, CONTEXT:]) - y[:, CONTEXT:]).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    running = loss.item() if running is None else 0.98 * running + 0.02 * loss.item()
    if step % 500 == 499:
        with torch.no_grad():
            params = hyper(x_test[:, :CONTEXT], y_test[:, :CONTEXT])
            error = (draw(params, x_test[:, CONTEXT:]) - y_test[:, CONTEXT:]).square().mean()
        print(f"step {step + 1} loss {running:.4f} error on new curves {error.item():.4f}")
