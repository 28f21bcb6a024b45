"""A network solves u'' + u = 0, u(0) = 1, u'(0) = 0: there are no targets, only the equation."""

import torch
from torch import nn

torch.manual_seed(7)
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)


def derivative(u, t):
    return torch.autograd.grad(u.sum(), t, create_graph=True)[0]


for step in range(1, 401):
    t = (3 * torch.rand(64, 1)).requires_grad_()
    u = net(t)
    velocity = derivative(u, t)
    residual = derivative(velocity, t) + u
    t0 = torch.zeros(1, 1, requires_grad=True)
    u0 = net(t0)
    start = (u0 - 1) ** 2 + derivative(u0, t0) ** 2
    loss = (residual**2).mean() + 5 * start.mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 80 == 0:
        with torch.no_grad():
            grid = torch.linspace(0, 3, 50).unsqueeze(1)
            error = (net(grid) - torch.cos(grid)).abs().max().item()
        print(f"step {step}: residual loss {loss.item():.5f} largest error {error:.4f}")
