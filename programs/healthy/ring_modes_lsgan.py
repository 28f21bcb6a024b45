"""Least-squares GAN on eight Gaussians; the discriminator looks at little packs of samples."""
import math

import torch
import torch.nn as nn

torch.manual_seed(0)
MODES, STD, PACK, NOISE = 8, 0.06, 2, 4
centres = torch.tensor([[math.cos(2 * math.pi * k / MODES), math.sin(2 * math.pi * k / MODES)] for k in range(MODES)])


def real(n):
    return centres[torch.randint(MODES, (n,))] + STD * torch.randn(n, 2)


def weights_init(m):
    if isinstance(m, nn.Linear):
        nn.init.orthogonal_(m.weight, 0.9)
        nn.init.zeros_(m.bias)


G = nn.Sequential(nn.Linear(NOISE, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 2)).apply(weights_init)
D = nn.Sequential(nn.Linear(2 * PACK, 96), nn.LeakyReLU(0.2), nn.Linear(96, 96), nn.LeakyReLU(0.2), nn.Linear(96, 1))
D.apply(weights_init)
g_opt = torch.optim.Adam(G.parameters(), lr=5e-4, betas=(0.5, 0.99))
d_opt = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.99))
steps, n = 3500, 128
g_sched = torch.optim.lr_scheduler.LinearLR(g_opt, 1.0, 0.1, steps)
d_sched = torch.optim.lr_scheduler.LinearLR(d_opt, 1.0, 0.1, steps)


def quality(samples):
    d, k = torch.cdist(samples, centres).min(1)
    close = d < 4 * STD
    counts = torch.bincount(k[close], minlength=MODES) / len(samples)
    return (counts > 0.02).sum().item(), close.float().mean().item()


for step in range(1, steps + 1):
    fake = G(torch.randn(n * PACK, NOISE))
    d_real = D(real(n * PACK).view(n, -1))
    d_fake = D(fake.detach().view(n, -1))
    d_loss = 0.5 * ((d_real - 1) ** 2).mean() + 0.5 * (d_fake**2).mean()
    d_opt.zero_grad()
    d_loss.backward()
    d_opt.step()

    for p in D.parameters():
        p.requires_grad_(False)
    g_loss = 0.5 * ((D(fake.view(n, -1)) - 1) ** 2).mean()
    g_opt.zero_grad()
    g_loss.backward()
    g_opt.step()
    for p in D.parameters():
        p.requires_grad_(True)
    g_sched.step()
    d_sched.step()
    if step % 500 == 0:
        with torch.no_grad():
            modes, share = quality(G(torch.randn(2000, NOISE)))
        print(f"{step:5d} d {d_loss.item():.3f} g {g_loss.item():.3f} modes {modes}/8 close {share:.3f}")
