import math

import torch
from torch import nn

torch.manual_seed(0)
MODES, RADIUS, SIGMA, BATCH, STEPS = 8, 2.0, 0.1, 128, 1800


def real_points(n):
    k = torch.randint(MODES, (n,)).float()
    angle = 2 * math.pi * k / MODES
    return torch.stack([angle.cos(), angle.sin()], 1) * RADIUS + SIGMA * torch.randn(n, 2)


def mlp(i, o, act):
    return nn.Sequential(nn.Linear(i, 64), act, nn.Linear(64, 64), act, nn.Linear(64, o))


generator = mlp(16, 2, nn.ReLU())
critic = mlp(2, 1, nn.LeakyReLU(0.2))
opt_g = torch.optim.Adam(generator.parameters(), lr=1e-3, betas=(0.5, 0.9))
opt_d = torch.optim.Adam(critic.parameters(), lr=1e-3, betas=(0.5, 0.9))
bce = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)


def quality(n=4000):
    with torch.no_grad():
        p = generator(torch.randn(n, 16))
    a = torch.arange(MODES) * 2 * math.pi / MODES
    centres = torch.stack([a.cos(), a.sin()], 1) * RADIUS
    d, which = torch.cdist(p, centres).min(1)
    close = d < 4 * SIGMA
    found = (torch.bincount(which[close], minlength=MODES) > n * 0.02).sum().item()
    return close.float().mean().item(), found


for step in range(1, STEPS + 1):
    fake = generator(torch.randn(BATCH, 16))
    x = real_points(BATCH).requires_grad_(True)
    out_real = critic(x)
    grad = torch.autograd.grad(out_real.sum(), x, create_graph=True)[0]
    loss_d = bce(out_real, ones) + bce(critic(fake.detach()), zeros) + 0.1 * grad.pow(2).sum(1).mean()
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    loss_g = bce(critic(generator(torch.randn(BATCH, 16))), ones)
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()
    if step % 200 == 0:
        share, found = quality()
        print(f"step {step} d_loss {loss_d.item():.3f} g_loss {loss_g.item():.3f} modes {found}/8 on_mode {share:.3f}")
