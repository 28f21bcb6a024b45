import copy

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

SIZE = 32
ACCUM = 2


def aerial(rng):
    yy, xx = np.mgrid[:SIZE, :SIZE]
    img = np.stack([rng.normal(m, 0.08, (SIZE, SIZE)) for m in (0.35, 0.5, 0.3)])
    img += 0.1 * np.sin(xx / rng.uniform(3, 8) + rng.uniform(0, 6))
    mask = np.zeros((SIZE, SIZE), bool)
    for _ in range(rng.integers(1, 3)):
        a, off = rng.uniform(0, np.pi), rng.uniform(-8, 8)
        d = np.cos(a) * (xx - 16) + np.sin(a) * (yy - 16) - off + 2 * np.sin((xx + yy) / 12)
        mask |= np.abs(d) < rng.uniform(1.5, 3)
    img[:, mask] = 0.6 + rng.normal(0, 0.1, (3, mask.sum()))
    return img, mask


def make_set(n, seed):
    rng = np.random.default_rng(seed)
    imgs, masks = zip(*[aerial(rng) for _ in range(n)])
    x = torch.tensor(np.stack(imgs), dtype=torch.float32)
    return TensorDataset((x - 0.45) / 0.2, torch.tensor(np.stack(masks), dtype=torch.float32).unsqueeze(1))


def double_conv(i, o):
    return nn.Sequential(
        nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU(),
        nn.Conv2d(o, o, 3, padding=1), nn.GroupNorm(4, o), nn.ReLU(),
    )


class UNet(nn.Module):
    def __init__(self, w=12):
        super().__init__()
        self.d1, self.d2 = double_conv(3, w), double_conv(w, 2 * w)
        self.mid = double_conv(2 * w, 4 * w)
        self.u2, self.c2 = nn.ConvTranspose2d(4 * w, 2 * w, 2, 2), double_conv(4 * w, 2 * w)
        self.u1, self.c1 = nn.ConvTranspose2d(2 * w, w, 2, 2), double_conv(2 * w, w)
        self.out = nn.Conv2d(w, 1, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        y = self.c2(torch.cat([self.u2(m), b], 1))
        y = self.c1(torch.cat([self.u1(y), a], 1))
        return self.out(y)


def seg_loss(logits, target):
    logits = logits.float()
    p = torch.sigmoid(logits)
    inter = (p * target).sum((1, 2, 3))
    dice = 1 - (2 * inter + 1) / (p.sum((1, 2, 3)) + target.sum((1, 2, 3)) + 1)
    return F.binary_cross_entropy_with_logits(logits, target) + dice.mean()


@torch.no_grad()
def iou(model, loader):
    model.eval()
    inter = union = 0.0
    for x, y in loader:
        p = model(x) > 0
        inter += (p & (y > 0.5)).sum().item()
        union += (p | (y > 0.5)).sum().item()
    return inter / union


def main():
    torch.manual_seed(0)
    train = DataLoader(make_set(320, 0), batch_size=8, shuffle=True)
    val = DataLoader(make_set(80, 1), batch_size=40)
    net = UNet()
    ema = copy.deepcopy(net).requires_grad_(False)
    opt = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-4)
    for epoch in range(1, 5):
        net.train()
        total = 0.0
        for i, (x, y) in enumerate(train):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = net(x)
            loss = seg_loss(logits, y)
            (loss / ACCUM).backward()
            total += loss.item()
            if (i + 1) % ACCUM == 0:
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                opt.step()
                opt.zero_grad()
                with torch.no_grad():
                    for e, p in zip(ema.parameters(), net.parameters()):
                        e.lerp_(p, 0.15)
        print(f"epoch {epoch} loss {total / len(train):.3f} IoU {iou(net, val):.3f} IoU ema {iou(ema, val):.3f}")
    print(f"validation IoU {iou(ema, val):.3f}")


if __name__ == "__main__":
    main()
