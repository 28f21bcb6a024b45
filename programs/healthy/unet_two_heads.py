"""A U-Net with a classification loss on its bottleneck beside the masks."""
import numpy as np
import torch
import torch.nn as nn
from skimage import data

rng = np.random.default_rng(0)
torch.manual_seed(0)
texture = {name: getattr(data, name)() / 255.0 for name in ("grass", "gravel")}


def sample(n):
    x, m, k = [], [], []
    yy, xx = np.mgrid[0:24, 0:24]
    for i in range(n):
        kind = i % 2
        name = ("grass", "gravel")[kind]
        r, c = rng.integers(0, 480, 2)
        img = texture[name][r : r + 24, c : c + 24].copy()
        cy, cx, s = *rng.integers(6, 18, 2), rng.integers(3, 6)
        mask = (abs(yy - cy) < s) & (abs(xx - cx) < s)
        img[mask] = img[mask] * 0.3 + 0.6
        x.append(img)
        m.append(mask)
        k.append(kind)
    return torch.tensor(np.array(x), dtype=torch.float32)[:, None] - 0.45, torch.tensor(np.array(m)).float()[:, None], torch.tensor(k)


def cbr(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(inplace=True))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.e1, self.e2, self.e3 = cbr(1, 12), cbr(12, 24), cbr(24, 32)
        self.u2, self.u1 = nn.ConvTranspose2d(32, 24, 2, 2), nn.ConvTranspose2d(24, 12, 2, 2)
        self.d2, self.d1 = cbr(48, 24), cbr(24, 12)
        self.mask, self.kind = nn.Conv2d(12, 1, 1), nn.Linear(32, 2)

    def forward(self, x):
        a = self.e1(x)
        b = self.e2(nn.functional.max_pool2d(a, 2))
        c = self.e3(nn.functional.max_pool2d(b, 2))
        y = self.d2(torch.cat([self.u2(c), b], 1))
        y = self.d1(torch.cat([self.u1(y), a], 1))
        return self.mask(y), self.kind(c.amax((2, 3)))


xt, mt, kt = sample(300)
xv, mv, kv = sample(80)
net = Net()
opt = torch.optim.AdamW(net.parameters(), lr=3e-3)
bce, ce = nn.BCEWithLogitsLoss(), nn.CrossEntropyLoss()
for epoch in range(12):
    net.train()
    for i in torch.randperm(300).split(15):
        mask, kind = net(xt[i])
        loss = bce(mask, mt[i]) + 0.5 * ce(kind, kt[i])
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
    net.eval()
    with torch.no_grad():
        mask, kind = net(xv)
        pred = mask > 0
        iou = (pred & (mv > 0.5)).sum() / (pred | (mv > 0.5)).sum()
    print(f"epoch {epoch} loss {loss.item():.3f} IoU {iou.item():.3f} kind {(kind.argmax(1) == kv).float().mean().item():.3f}")
