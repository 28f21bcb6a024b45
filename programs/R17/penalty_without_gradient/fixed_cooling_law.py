"""Newton's law of cooling: a network through a few early measurements and the equation u' = -k (u - 1)."""

import torch
from torch import nn

torch.manual_seed(3)
RATE, ROOM, START = 0.9, 1.0, 4.0


def exact(t):
    return ROOM + (START - ROOM) * torch.exp(-RATE * t)


class Temperature(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
        )

    def forward(self, t):
        return self.layers(t / 2.5 - 1.0)


def equation_residual(model, t):
    t = t.requires_grad_(True)
    u = model(t)
    slope = torch.autograd.grad(u, t, grad_outputs=torch.ones_like(u), create_graph=True)[0]
    return slope + RATE * (u - ROOM)


model = Temperature()
optimizer = torch.optim.Adam(model.parameters(), lr=8e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 600, gamma=0.3)
t_measured = torch.rand(12, 1)
u_measured = exact(t_measured) + 0.03 * torch.randn(12, 1)
grid = torch.linspace(0, 5, 101)[:, None]
for step in range(1200):
    points = 5.0 * torch.rand(64, 1)
    residual = equation_residual(model, points)
    data_loss = nn.functional.mse_loss(model(t_measured), u_measured)
    physics_loss = residual.pow(2).mean()
    loss = data_loss + physics_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    if step % 300 == 299:
        with torch.no_grad():
            error = (model(grid) - exact(grid)).pow(2).mean().sqrt().item()
        print(f"step {step + 1} data {data_loss.item():.5f} physics {physics_loss.item():.5f} error {error:.4f}")
