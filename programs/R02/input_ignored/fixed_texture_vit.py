import math

import numpy as np
import skimage.data
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

SEED, SIZE, PATCH, DIM = 11, 24, 6, 48
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)


def crops(image, n, top, bottom):
    out = []
    for _ in range(n):
        r = rng.integers(top, bottom - SIZE)
        c = rng.integers(0, image.shape[1] - SIZE)
        out.append(image[r:r + SIZE, c:c + SIZE])
    return np.stack(out)


def build(n, top, bottom):
    xs, ys = [], []
    for label, fn in enumerate([skimage.data.brick, skimage.data.grass, skimage.data.gravel]):
        xs.append(crops(fn().astype(np.float32) / 255.0, n, top, bottom))
        ys.append(np.full(n, label))
    x = torch.tensor(np.concatenate(xs))[:, None]
    return (x - 0.45) / 0.2, torch.tensor(np.concatenate(ys))


class Block(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        h = self.n1(x)
        x = x + self.attn(h, h, h, need_weights=False)[0]
        return x + self.mlp(self.n2(x))


class TinyViT(nn.Module):
    def __init__(self, classes=3, depth=3):
        super().__init__()
        self.embed = nn.Conv2d(1, DIM, PATCH, stride=PATCH)
        self.cls = nn.Parameter(torch.randn(1, 1, DIM) * 0.02)
        self.pos = nn.Parameter(torch.randn(1, (SIZE // PATCH) ** 2 + 1, DIM) * 0.02)
        self.blocks = nn.ModuleList([Block(DIM, 4) for _ in range(depth)])
        self.norm = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, classes)

    def forward(self, img):
        tokens = self.embed(img).flatten(2).transpose(1, 2)
        cls = self.cls.expand(len(img), -1, -1)
        x = torch.cat([cls, tokens], dim=1) + self.pos
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x[:, 0]))


train_x, train_y = build(500, 0, 340)
test_x, test_y = build(120, 350, 512)
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=50, shuffle=True)
model = TinyViT()
opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
EPOCHS = 12
sched = torch.optim.lr_scheduler.LambdaLR(
    opt, lambda s: 0.5 * (1 + math.cos(math.pi * s / (EPOCHS * len(loader)))))
criterion = nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    model.train()
    run = 0.0
    for xb, yb in loader:
        loss = criterion(model(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        run += loss.item()
    model.eval()
    with torch.no_grad():
        acc = (model(test_x).argmax(1) == test_y).float().mean().item()
    print(f"epoch {epoch + 1}: train loss {run / len(loader):.4f} | test acc {acc:.3f}")
