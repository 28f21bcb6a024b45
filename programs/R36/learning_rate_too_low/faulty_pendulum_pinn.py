"""A damped pendulum: a network finds its angle over time from the equation of motion alone, starting at one radian."""

import torch
from torch import nn

torch.manual_seed(5)
net = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=3e-6)


def derivative(value, time):
    return torch.autograd.grad(value.sum(), time, create_graph=True)[0]


def reference(steps=4000, end=4.0):
    angle, speed, found = 1.0, 0.0, []
    for _ in range(steps):
        found.append(angle)
        speed += -(0.3 * speed + torch.sin(torch.tensor(angle)).item()) * end / steps
        angle += speed * end / steps
    return torch.tensor(found)


true = reference()
for step in range(1, 601):
    time = (4 * torch.rand(96, 1)).requires_grad_()
    angle = 1 + time**2 * net(time)  # at rest at first
    speed = derivative(angle, time)
    residual = derivative(speed, time) + 0.3 * speed + torch.sin(angle)
    loss = residual.square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 100 == 0:
        with torch.no_grad():
            time = torch.linspace(0, 4, 4001)[:-1, None]
            error = (1 + time**2 * net(time)).squeeze(1) - true
        print(f"step {step}: loss {loss.item():.5f} R2 of the angle {1 - error.square().mean() / true.var(correction=0):.4f}")
