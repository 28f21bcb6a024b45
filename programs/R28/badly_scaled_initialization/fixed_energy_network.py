"""An energy network learns the forces of a mass between two springs: they are minus the derivative of what it gives."""

import torch
from torch import nn

torch.manual_seed(6)
positions = 2 * torch.rand(900, 2) - 1
x, y = positions.unbind(1)
forces = torch.stack([-2 * x - 3 * x**3 + y, x - 1.5 * y], 1) + 0.02 * torch.randn(900, 2)
train, test = slice(0, 700), slice(700, 900)


class Energy(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, place):
        place = place.detach().requires_grad_()
        with torch.enable_grad():
            energy = self.layers(place).sum()
            return -torch.autograd.grad(energy, place, create_graph=True)[0]


model = Energy()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for epoch in range(20):
    for rows in torch.randperm(700).split(50):
        loss = nn.functional.mse_loss(model(positions[rows]), forces[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    error = nn.functional.mse_loss(model(positions[test]).detach(), forces[test])
    if epoch % 5 == 4:
        print(f"epoch {epoch}: loss {loss.item():.4f} test R2 {1 - error.item() / forces[test].var().item():.4f}")
