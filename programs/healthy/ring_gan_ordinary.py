import math

import torch
import torch.nn as nn

torch.manual_seed(4)

N_MODES = 8
RADIUS = 2.0
NOISE = 0.12
Z = 8
STEPS = 1500
BATCH = 128


def real_batch(n):
    k = torch.randint(0, N_MODES, (n,))
    ang = k * (2 * math.pi / N_MODES)
    centers = torch.stack([torch.cos(ang), torch.sin(ang)], 1) * RADIUS
    return centers + NOISE * torch.randn(n, 2)


def mlp(n_in, n_out, width, act):
    return nn.Sequential(
        nn.Linear(n_in, width), act(),
        nn.Linear(width, width), act(),
        nn.Linear(width, n_out),
    )


G = mlp(Z, 2, 96, nn.ReLU)
D = mlp(2, 1, 96, lambda: nn.LeakyReLU(0.2))

opt_g = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.5, 0.99))
opt_d = torch.optim.Adam(D.parameters(), lr=1e-3, betas=(0.5, 0.99))
bce = nn.BCEWithLogitsLoss()
ema = {k: v.clone() for k, v in G.state_dict().items()}


def quality(points):
    """share of samples close to a mode, number of modes hit"""
    ang = torch.arange(N_MODES) * (2 * math.pi / N_MODES)
    centers = torch.stack([torch.cos(ang), torch.sin(ang)], 1) * RADIUS
    d = torch.cdist(points, centers)
    near = d.min(1)
    ok = near.values < 5 * NOISE
    return ok.float().mean().item(), near.indices[ok].unique().numel()


for step in range(1, STEPS + 1):
    # discriminator
    real = real_batch(BATCH).requires_grad_(True)
    with torch.no_grad():
        fake = G(torch.randn(BATCH, Z))
    d_real, d_fake = D(real), D(fake)
    r1 = torch.autograd.grad(d_real.sum(), real, create_graph=True)[0].pow(2).sum(1).mean()
    loss_d = bce(d_real, torch.ones_like(d_real)) + bce(d_fake, torch.zeros_like(d_fake)) + 0.1 * r1
    opt_d.zero_grad()
    loss_d.backward()
    opt_d.step()

    # generator
    score = D(G(torch.randn(BATCH, Z)))
    loss_g = bce(score, torch.ones_like(score))
    opt_g.zero_grad()
    loss_g.backward()
    opt_g.step()

    with torch.no_grad():
        for k, v in G.state_dict().items():
            ema[k].lerp_(v, 0.02)

    if step % 250 == 0:
        with torch.no_grad():
            share, modes = quality(G(torch.randn(1000, Z)))
        print(f"step {step:5d}  D {loss_d.item():.3f}  G {loss_g.item():.3f}  good {share:.3f}  modes {modes}/{N_MODES}")

G.load_state_dict(ema)
with torch.no_grad():
    share, modes = quality(G(torch.randn(4000, Z)))
print("modes hit by the averaged generator:", modes)
print(f"share of good samples: {share:.3f}")
