"""A denoiser for short waves, trained for a number of steps rather than epochs (a tiny diffusion model)."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(31)
STEPS = 40
alphas = torch.cumprod(1 - torch.linspace(1e-3, 0.12, STEPS), 0)


def waves(count, length=32):
    t = torch.arange(length) / length
    frequency, phase = torch.randint(1, 6, (count, 1)), 2 * math.pi * torch.rand(count, 1)
    return torch.sin(2 * math.pi * frequency * t + phase) * (0.6 + 0.6 * torch.rand(count, 1))


class Denoiser(nn.Module):
    def __init__(self, length=32, width=128):
        super().__init__()
        self.time = nn.Embedding(STEPS, width)
        self.enter, self.middle, self.leave = nn.Linear(length, width), nn.Linear(width, width), nn.Linear(width, length)

    def forward(self, noisy, step):
        hidden = torch.relu(self.enter(noisy) + self.time(step))
        return self.leave(torch.relu(self.middle(hidden)) + hidden)


def noise_loss(model, clean, generator=None):
    step = torch.randint(STEPS, (len(clean),), generator=generator)
    noise = torch.randn(clean.shape, generator=generator)
    level = alphas[step][:, None]
    return nn.functional.mse_loss(model(level.sqrt() * clean + (1 - level).sqrt() * noise, step), noise)


def forever(loader):
    while True:
        yield from loader


loader = DataLoader(TensorDataset(waves(2048)), batch_size=10)
held_out = waves(512)
model = Denoiser()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
batches = forever(loader)
for iteration in range(1500):
    (clean,) = next(batches)
    loss = noise_loss(model, clean)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if iteration % 300 == 299:
        model.eval()
        with torch.no_grad():
            value = noise_loss(model, held_out, torch.Generator().manual_seed(0)).item()
        model.train()
        print(f"iteration {iteration + 1} loss {loss.item():.4f} held-out {value:.4f}")
