"""Tiny vision transformer on drawn shapes, with warm-up, clipping and averaged weights for evaluation."""
import copy
import math

import torch
from torch import nn

torch.manual_seed(2024)
IMG, PATCH, DIM, DEPTH, HEADS = 24, 6, 48, 2, 4
CLASSES = ("disc", "square", "cross", "ring")


def draw(n, g):
    y = torch.randint(len(CLASSES), (n,), generator=g)
    c = torch.rand(n, 2, 1, 1, generator=g) * 3 + 10.5
    r = torch.rand(n, 1, 1, generator=g) * 3 + 4
    ax = torch.arange(IMG).float()
    dy = ax.view(1, IMG, 1) - c[:, 0]
    dx = ax.view(1, 1, IMG) - c[:, 1]
    dist = (dx**2 + dy**2).sqrt()
    disc = dist < r
    square = (dx.abs() < r * 0.85) & (dy.abs() < r * 0.85)
    cross = ((dx.abs() < 1.6) & (dy.abs() < r)) | ((dy.abs() < 1.6) & (dx.abs() < r))
    ring = disc & (dist > r - 2.2)
    masks = torch.stack([disc, square, cross, ring], 1).float()
    img = masks[torch.arange(n), y]
    colour = torch.rand(n, 3, 1, 1, generator=g) * 1.2 - 0.6
    fg = torch.where(colour > 0, colour + 0.4, colour - 0.4)
    x = img[:, None] * fg + torch.randn(n, 3, IMG, IMG, generator=g) * 0.2
    return x, y


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(DIM), nn.LayerNorm(DIM)
        self.attn = nn.MultiheadAttention(DIM, HEADS, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(DIM, 2 * DIM), nn.GELU(), nn.Linear(2 * DIM, DIM))

    def forward(self, x):
        h = self.n1(x)
        x = x + self.attn(h, h, h, need_weights=False)[0]
        return x + self.mlp(self.n2(x))


class ViT(nn.Module):
    def __init__(self):
        super().__init__()
        tokens = (IMG // PATCH) ** 2
        self.embed = nn.Conv2d(3, DIM, PATCH, PATCH)
        self.cls = nn.Parameter(torch.zeros(1, 1, DIM))
        self.pos = nn.Parameter(torch.randn(1, tokens + 1, DIM) * 0.02)
        self.blocks = nn.Sequential(*[Block() for _ in range(DEPTH)])
        self.norm = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, len(CLASSES))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, img):
        x = self.embed(img).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], 1) + self.pos
        return self.head(self.norm(self.blocks(x))[:, 0])


g = torch.Generator().manual_seed(1)
valid_x, valid_y = draw(600, torch.Generator().manual_seed(2))
per_epoch = 2400

model = ViT()
ema = copy.deepcopy(model).requires_grad_(False).eval()
opt = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=0.05, betas=(0.9, 0.98))
epochs, bs = 12, 48
total = epochs * math.ceil(per_epoch / bs)
warm = total // 10
sched = torch.optim.lr_scheduler.LambdaLR(
    opt, lambda s: (s + 1) / warm if s < warm else 0.5 * (1 + math.cos(math.pi * (s - warm) / (total - warm)))
)
step = 0
for epoch in range(epochs):
    train_x, train_y = draw(per_epoch, g)
    model.train()
    tot = 0.0
    for idx in torch.randperm(per_epoch).split(bs):
        loss = nn.functional.cross_entropy(model(train_x[idx]), train_y[idx])
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        step += 1
        decay = min(0.99, (1 + step) / (10 + step))
        with torch.no_grad():
            for e, p in zip(ema.parameters(), model.parameters()):
                e.lerp_(p, 1 - decay)
        tot += loss.item() * len(idx)
    with torch.no_grad():
        acc = (ema(valid_x).argmax(1) == valid_y).float().mean()
    print(f"{epoch:2d} | train loss {tot / per_epoch:.4f} | ema valid acc {acc:.4f}")
