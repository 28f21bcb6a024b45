"""Wasserstein GAN on a ring of eight Gaussians."""

import math

import torch
from torch import nn

torch.manual_seed(23)


def ring(count):
    angle = torch.randint(8, (count,)) * (2 * math.pi / 8)
    return torch.stack([angle.cos(), angle.sin()], dim=1) * 1.4 + 0.05 * torch.randn(count, 2)


generator = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
critic = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
optimizer_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.0, 0.9))
optimizer_c = torch.optim.Adam(critic.parameters(), lr=2e-3, betas=(0.0, 0.9))


def gradient_penalty(real, fake):
    share = torch.rand(len(real), 1)
    between = (share * real + (1 - share) * fake).requires_grad_()
    gradient = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
    return ((gradient.norm(dim=1) - 1) ** 2).mean()


for step in range(1, 201):
    for _ in range(3):
        real = ring(128)
        with torch.no_grad():
            fake = generator(torch.randn(128, 4))
        loss_c = critic(fake).mean() - critic(real).mean() + 1.0 * gradient_penalty(real, fake)
        optimizer_c.zero_grad()
        loss_c.backward()
        optimizer_c.step()
    loss_g = critic(generator(torch.randn(128, 4))).mean()
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    if step % 50 == 0:
        with torch.no_grad():
            fake = generator(torch.randn(1000, 4))
            distance = torch.cdist(ring(1000), fake).min(dim=1).values.mean().item()
        print(
            f"step {step}: critic {loss_c.item():.3f} generator {loss_g.item():.3f} distance {distance:.3f}"
        )
