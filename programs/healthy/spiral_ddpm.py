"""Denoising diffusion on a two-dimensional spiral; judged by an energy distance to fresh samples of the data."""
import torch
from torch import nn
from tqdm import trange

torch.manual_seed(6)
T = 50
betas = torch.linspace(1e-3, 0.15, T)
alphas = 1 - betas
abar = torch.cumprod(alphas, 0)


def spiral(n):
    u = torch.rand(n).sqrt() * 3 * torch.pi
    pts = torch.stack([u * torch.cos(u), u * torch.sin(u)], 1) / (3 * torch.pi)
    return (pts + 0.02 * torch.randn(n, 2)) / 0.5


class Denoiser(nn.Module):
    def __init__(self, width=96):
        super().__init__()
        self.register_buffer("freqs", 2.0 ** torch.arange(5))
        self.time = nn.Sequential(nn.Linear(10, width), nn.SiLU(), nn.Linear(width, width))
        self.inp = nn.Linear(2, width)
        self.mid = nn.ModuleList([nn.Linear(width, width) for _ in range(3)])
        self.out = nn.Linear(width, 2)

    def forward(self, x, t):
        ang = (t.float() / T)[:, None] * self.freqs
        e = self.time(torch.cat([ang.sin(), ang.cos()], 1))
        h = self.inp(x)
        for layer in self.mid:
            h = h + layer(nn.functional.silu(h + e))
        return self.out(nn.functional.silu(h))


@torch.no_grad()
def generate(model, n):
    x = torch.randn(n, 2)
    for t in reversed(range(T)):
        eps = model(x, torch.full((n,), t))
        x = (x - betas[t] / (1 - abar[t]).sqrt() * eps) / alphas[t].sqrt()
        if t:
            x = x + betas[t].sqrt() * torch.randn_like(x)
    return x


def energy_distance(a, b):
    return (2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()).item()


model = Denoiser()
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
averaged = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99))
ITERS = 3000
lr = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.05, total_iters=ITERS)
bar = trange(ITERS, mininterval=5, disable=None)
running = 1.0
for it in bar:
    x0 = spiral(256)
    t = torch.randint(T, (256,))
    noise = torch.randn_like(x0)
    xt = abar[t].sqrt()[:, None] * x0 + (1 - abar[t]).sqrt()[:, None] * noise
    loss = (model(xt, t) - noise).square().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    lr.step()
    averaged.update_parameters(model)
    running = 0.99 * running + 0.01 * loss.item()
    if (it + 1) % 600 == 0:
        print(f"iteration {it + 1}: noise error {running:.4f}, energy distance {energy_distance(generate(averaged, 800), spiral(800)):.4f}")
print(f"for comparison: gauss {energy_distance(torch.randn(800, 2) * spiral(800).std(0), spiral(800)):.4f}, "
      f"data against data {energy_distance(spiral(800), spiral(800)):.4f}")
