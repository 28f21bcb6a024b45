import math
import torch
import torch.nn as nn

torch.manual_seed(0)

Z_DIM = 8
BATCH = 128
STEPS = 3000


def real_batch(n):
    angle = torch.rand(n) * 2 * math.pi
    radius = 1.5 + 0.08 * torch.randn(n)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(Z_DIM, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    def forward(self, z):
        return self.net(z)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))

    def forward(self, x):
        return self.net(x).squeeze(1)


def quality(gen, n=1000):
    gen.eval()
    with torch.no_grad():
        pts = gen(torch.randn(n, Z_DIM))
    gen.train()
    near = ((pts.norm(dim=1) - 1.5).abs() < 0.3).float().mean().item()
    sector = ((torch.atan2(pts[:, 1], pts[:, 0]) + math.pi) / (2 * math.pi) * 12).long().clamp(0, 11)
    return near, len(sector.unique())


gen, disc = Generator(), Discriminator()
opt_g = torch.optim.Adam(gen.parameters(), lr=1e-3, betas=(0.5, 0.99))
opt_d = torch.optim.Adam(disc.parameters(), lr=1e-3, betas=(0.5, 0.99))
criterion = nn.BCEWithLogitsLoss()
ones, zeros = torch.ones(BATCH), torch.zeros(BATCH)
ema = Generator()
ema.load_state_dict(gen.state_dict())

g_run, d_run = 0.0, 0.0
for step in range(1, STEPS + 1):
    real = real_batch(BATCH)
    fake = gen(torch.randn(BATCH, Z_DIM))
    d_loss = criterion(disc(real), ones) + criterion(disc(fake.detach()), zeros)
    opt_d.zero_grad()
    d_loss.backward()
    opt_d.step()

    fake = gen(torch.randn(BATCH, Z_DIM))
    g_loss = criterion(disc(fake), ones)
    opt_g.zero_grad()
    g_loss.backward()
    opt_g.step()

    with torch.no_grad():
        for a, b in zip(ema.parameters(), gen.parameters()):
            a.lerp_(b, 0.01)
    g_run += g_loss.item()
    d_run += d_loss.item()
    if step % 300 == 0:
        near, sectors = quality(ema)
        print(f'step {step}: d_loss {d_run / 300:.3f} g_loss {g_run / 300:.3f} near {near:.3f} sectors {sectors}/12')
        g_run, d_run = 0.0, 0.0

near, sectors = quality(ema)
print(f'sectors covered {sectors} of 12')
print(f'final share near the ring: {near:.3f}')
