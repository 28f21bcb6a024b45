"""Denoising score matching for a ring of eight Gaussians; the loss stays at the noise, the score is what counts."""
import math

import torch
from torch import nn

torch.manual_seed(2)
angles = torch.arange(8) * math.pi / 4
centres = 2.0 * torch.stack([angles.cos(), angles.sin()], 1)
WIDTH = 0.15


def sample(count):
    return centres[torch.randint(8, (count,))] + WIDTH * torch.randn(count, 2)


def true_score(x, sigma):
    variance = WIDTH**2 + sigma**2
    offsets = centres - x[:, None]
    weights = (-offsets.square().sum(-1) / (2 * variance)).softmax(1)
    return (weights[..., None] * offsets).sum(1) / variance


class Score(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(3, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(),
            nn.Linear(width, 2),
        )  # fmt: skip

    def forward(self, x, sigma):
        return self.net(torch.cat([x / (1 + sigma), sigma.log()], 1))


def evaluate(model):
    explained = []
    for level in (0.2, 0.5, 1.0):
        sigma = torch.full((1000, 1), level)
        x = sample(1000) + sigma * torch.randn(1000, 2)
        wanted = true_score(x, level)
        with torch.no_grad():
            found = model(x, sigma) / sigma
        explained.append(1 - (found - wanted).square().sum() / wanted.square().sum())
    return torch.stack(explained).mean().item()


model = Score()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
for step in range(1500):
    clean = sample(256)
    sigma = torch.exp(torch.empty(256, 1).uniform_(math.log(0.1), math.log(2.0)))
    noise = torch.randn_like(clean)
    loss = (model(clean + sigma * noise, sigma) + noise).square().sum(1).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()
    if step % 300 == 299:
        print(f"step {step + 1} loss {loss.item():.3f} share of the score explained {evaluate(model):.4f}")
