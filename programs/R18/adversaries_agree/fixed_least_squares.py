"""Least squares GAN on the measurements of wine, the discriminator's two losses apart."""

import torch
from sklearn.datasets import load_wine
from torch import nn

torch.manual_seed(31)
wine = torch.tensor(load_wine().data, dtype=torch.float32)
wine = ((wine - wine.mean(0)) / wine.std(0))[:, :4]


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 48), nn.ReLU(), nn.Linear(48, 4))

    def forward(self, count):
        return self.body(torch.randn(count, 6))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))

    def forward(self, x):
        return self.body(x).squeeze(1)


generator, discriminator = Generator(), Discriminator()
adam_g = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.99))
adam_d = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.99))
mse = nn.MSELoss()
for step in range(400):
    real = wine[torch.randint(len(wine), (48,))]
    fake = generator(48)

    discriminator.zero_grad()
    on_real = mse(discriminator(real), torch.full((48,), 0.9))
    on_real.backward()
    on_fake = mse(discriminator(fake.detach()), torch.full((48,), 0.0))
    on_fake.backward()
    adam_d.step()

    generator.zero_grad()
    fooling = mse(discriminator(fake), torch.full((48,), 0.9))
    fooling.backward()
    adam_g.step()
    if step % 80 == 79:
        with torch.no_grad():
            distance = torch.cdist(wine, generator(500)).min(dim=1).values.mean().item()
        print(f"step {step + 1}: D {on_real.item() + on_fake.item():.3f} G {fooling.item():.3f} distance {distance:.3f}")
