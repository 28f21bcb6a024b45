"""Segment thin streets and small houses in synthetic aerial tiles (background, street, house)."""
from functools import partial

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch.utils.data import DataLoader, TensorDataset

S = 40
conv = partial(nn.Conv2d, kernel_size=3, padding=1, padding_mode="reflect")


def tile(rng):
    mask = Image.new("L", (S, S), 0)
    d = ImageDraw.Draw(mask)
    for _ in range(rng.integers(2, 5)):
        x, y = rng.integers(0, S - 7, 2).tolist()
        d.rectangle([x, y, x + int(rng.integers(4, 8)), y + int(rng.integers(4, 8))], fill=2)
    for _ in range(rng.integers(1, 3)):
        pts = [(0, int(rng.integers(S))), tuple(rng.integers(8, S - 8, 2).tolist()), (S, int(rng.integers(S)))]
        if rng.random() < 0.5:
            pts = [(b, a) for a, b in pts]
        d.line(pts, fill=1, width=3)
    m = np.asarray(mask)
    palette = np.array([[0.25, 0.45, 0.2], [0.45, 0.45, 0.45], [0.6, 0.35, 0.3]])
    img = palette[m] + rng.normal(0, 0.05, 3) + rng.normal(0, 0.11, (S, S, 3))
    img[..., 1] += 0.1 * np.sin(np.arange(S) / rng.uniform(2, 6))[:, None] * (m == 0)
    return img.transpose(2, 0, 1), m


def tiles(n, seed):
    rng = np.random.default_rng(seed)
    xs, ys = zip(*(tile(rng) for _ in range(n)))
    return torch.tensor(np.stack(xs), dtype=torch.float32), torch.tensor(np.stack(ys), dtype=torch.long)


def stage(a, b):
    return nn.Sequential(conv(a, b, bias=False), nn.GroupNorm(4, b), nn.ReLU(), conv(b, b, bias=False), nn.GroupNorm(4, b), nn.ReLU())


class UNet(nn.Module):
    def __init__(self, c=12, classes=3):
        super().__init__()
        self.d1, self.d2, self.mid = stage(3, c), stage(c, 2 * c), stage(2 * c, 2 * c)
        self.u2, self.u1 = stage(4 * c, c), stage(2 * c, c)
        self.top = nn.Conv2d(c, classes, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        b = self.u2(torch.cat([F.interpolate(m, scale_factor=2, mode="nearest"), b], 1))
        a = self.u1(torch.cat([F.interpolate(b, scale_factor=2, mode="nearest"), a], 1))
        return self.top(a)


def iou(pred, y):
    return [((pred == k) & (y == k)).sum().item() / max(1, ((pred == k) | (y == k)).sum().item()) for k in range(3)]


torch.manual_seed(21)
train_x, train_y = tiles(220, 0)
test_x, test_y = tiles(60, 1)
channel_mean, channel_std = train_x.mean((0, 2, 3), keepdim=True), train_x.std((0, 2, 3), keepdim=True)
train_x, test_x = (train_x - channel_mean) / channel_std, (test_x - channel_mean) / channel_std
share = torch.bincount(train_y.flatten()).float() / train_y.numel()
weights = (1 / torch.sqrt(share))
weights = weights / weights.mean()
print("pixel shares", [round(v, 3) for v in share.tolist()], "weights", [round(v, 2) for v in weights.tolist()])
loader = DataLoader(TensorDataset(train_x, train_y), batch_size=10, shuffle=True)
net = UNet()
opt = torch.optim.Adam(net.parameters(), lr=4e-3)
sched = torch.optim.lr_scheduler.PolynomialLR(opt, total_iters=9, power=0.9)
for epoch in range(9):
    net.train()
    for x, y in loader:
        if torch.rand(()) < 0.5:
            x, y = x.flip(-1), y.flip(-1)
        k = int(torch.randint(4, ()))
        x, y = torch.rot90(x, k, (2, 3)), torch.rot90(y, k, (1, 2))
        loss = F.cross_entropy(net(x), y, weight=weights)
        opt.zero_grad()
        loss.backward()
        opt.step()
    sched.step()
    net.eval()
    with torch.no_grad():
        pred = torch.cat([net(c).argmax(1) for c in test_x.split(20)])
    scores = iou(pred, test_y)
    print(f"epoch {epoch + 1} loss {loss.item():.3f} IoU {[round(s, 3) for s in scores]} mean {sum(scores) / 3:.3f}")
