from dataclasses import dataclass

import numpy as np
import torch
from torch import nn


@dataclass
class Config:
    writers: int = 40
    per_writer: int = 12
    length: int = 64
    dim: int = 16
    margin: float = 1.0
    lr: float = 1e-3
    batch: int = 64
    steps: int = 800
    seed: int = 5


def make_signatures(cfg, rng):
    """Pen pressure curves: every writer has an own mix of waves."""
    t = np.linspace(0, 1, cfg.length)
    data = np.zeros((cfg.writers, cfg.per_writer, cfg.length), dtype=np.float32)
    for w in range(cfg.writers):
        amp, freq, ph = rng.normal(0, 1, 4), rng.uniform(1, 7, 4), rng.uniform(0, 6.28, 4)
        for k in range(cfg.per_writer):
            jitter = rng.normal(0, 0.15, 4)
            curve = sum(a * np.sin(2 * np.pi * f * t + p + j) for a, f, p, j in zip(amp, freq, ph, jitter))
            data[w, k] = curve + rng.normal(0, 0.1, cfg.length)
    return data / data.std()


def sample_pairs(data, n, rng):
    writers, per, _ = data.shape
    w1 = rng.integers(0, writers, n)
    same = rng.random(n) < 0.5
    other = (w1 + rng.integers(1, writers, n)) % writers
    w2 = np.where(same, w1, other)
    k1 = rng.integers(0, per, n)
    k2 = rng.integers(0, per, n)
    a = torch.from_numpy(data[w1, k1])
    b = torch.from_numpy(data[w2, k2])
    return a, b, torch.from_numpy(same.astype(np.float32))


class Encoder(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(cfg.length, 128), nn.ReLU(),
            nn.Linear(128, 64), nn.ReLU(),
            nn.Linear(64, cfg.dim),
        )

    def forward(self, x):
        return self.net(x)


def distance(za, zb):
    return torch.sqrt(((za - zb) ** 2).sum(dim=1) + 1e-8)


def contrastive_loss(d, same, margin):
    pull = same * d**2
    push = (1 - same) * torch.clamp(margin - d, min=0) ** 2
    return (pull + push).mean()


def evaluate(encoder, data, cfg, rng):
    a, b, same = sample_pairs(data, 2000, rng)
    with torch.no_grad():
        d = distance(encoder(a), encoder(b))
    return ((d < cfg.margin / 2) == (same > 0.5)).float().mean().item()


def main(cfg=Config()):
    torch.manual_seed(cfg.seed)
    rng = np.random.default_rng(cfg.seed)
    data = make_signatures(cfg, rng)
    train, test = data[:, :9], data[:, 9:]
    encoder = Encoder(cfg)
    opt = torch.optim.Adam(encoder.parameters(), lr=cfg.lr)
    for step in range(1, cfg.steps + 1):
        a, b, same = sample_pairs(train, cfg.batch, rng)
        loss = contrastive_loss(distance(encoder(a), encoder(b)), same, cfg.margin)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 100 == 0:
            acc = evaluate(encoder, test, cfg, rng)
            print(f"step {step:4d} loss {loss.item():.4f} pair acc {acc:.3f}")
    print(f"test pair accuracy: {evaluate(encoder, test, cfg, rng):.3f}")


if __name__ == "__main__":
    main()
