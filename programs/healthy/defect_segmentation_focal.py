"""Surface defect segmentation: tiny U-Net, focal loss (defect pixels are rare)."""
import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

SIZE = 32


def make_plates(n, seed):
    rng = np.random.default_rng(seed)
    imgs = np.zeros((n, 1, SIZE, SIZE), np.float32)
    masks = np.zeros((n, 1, SIZE, SIZE), np.float32)
    yy, xx = np.mgrid[:SIZE, :SIZE]
    for i in range(n):
        grain = rng.normal(0, 0.1, (SIZE, SIZE)) + 0.1 * np.sin(yy * rng.uniform(0.4, 0.9) + rng.uniform(0, 6))
        mask = np.zeros((SIZE, SIZE), bool)
        for _ in range(rng.integers(1, 4)):
            cy, cx = rng.uniform(4, SIZE - 4, 2)
            if rng.random() < 0.5:      # pit
                mask |= (yy - cy) ** 2 + (xx - cx) ** 2 < rng.uniform(1.5, 3) ** 2
            else:                       # scratch
                a = rng.uniform(0, math.pi)
                along = (xx - cx) * math.cos(a) + (yy - cy) * math.sin(a)
                across = -(xx - cx) * math.sin(a) + (yy - cy) * math.cos(a)
                mask |= (np.abs(across) < 0.9) & (np.abs(along) < rng.uniform(4, 8))
        imgs[i, 0] = 0.5 + grain - 0.4 * mask * rng.uniform(0.7, 1.2)
        masks[i, 0] = mask
    return torch.from_numpy(imgs), torch.from_numpy(masks)


def double_conv(a, b):
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(),
                         nn.Conv2d(b, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU())


class TinyUNet(nn.Module):
    def __init__(self, prior=0.03):
        super().__init__()
        self.d1, self.d2 = double_conv(1, 8), double_conv(8, 16)
        self.mid = double_conv(16, 24)
        self.u2, self.u1 = double_conv(24 + 16, 16), double_conv(16 + 8, 8)
        self.out = nn.Conv2d(8, 1, 1)
        # start with a low probability of "defect" everywhere (RetinaNet)
        nn.init.constant_(self.out.bias, -math.log((1 - prior) / prior))

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        m = self.mid(F.max_pool2d(b, 2))
        m = self.u2(torch.cat([F.interpolate(m, scale_factor=2), b], 1))
        m = self.u1(torch.cat([F.interpolate(m, scale_factor=2), a], 1))
        return self.out(m)


class FocalLoss(nn.Module):
    def __init__(self, alpha=0.75, gamma=2.0):
        super().__init__()
        self.alpha, self.gamma = alpha, gamma

    def forward(self, logits, target):
        bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        p_t = torch.exp(-bce)
        alpha_t = self.alpha * target + (1 - self.alpha) * (1 - target)
        # normalised by the number of positive pixels
        return (alpha_t * (1 - p_t) ** self.gamma * bce).sum() / target.sum().clamp(min=1)


@torch.no_grad()
def iou(model, loader):
    model.eval()
    inter = union = 0
    for x, m in loader:
        pred = torch.sigmoid(model(x)) > 0.5
        inter += (pred & m.bool()).sum().item()
        union += (pred | m.bool()).sum().item()
    return inter / max(union, 1)


def main():
    torch.manual_seed(0)
    x_tr, m_tr = make_plates(400, seed=1)
    x_te, m_te = make_plates(100, seed=2)
    mean, std = x_tr.mean(), x_tr.std()
    x_tr, x_te = (x_tr - mean) / std, (x_te - mean) / std
    print(f"defect pixels: {100 * m_tr.mean():.1f} %")
    loader = DataLoader(TensorDataset(x_tr, m_tr), batch_size=16, shuffle=True)
    test = DataLoader(TensorDataset(x_te, m_te), batch_size=50)

    model, criterion = TinyUNet(), FocalLoss()
    opt = torch.optim.AdamW(model.parameters(), lr=4e-3)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=4e-3, epochs=8, steps_per_epoch=len(loader))
    for epoch in range(8):
        model.train()
        s = 0.0
        for x, m in loader:
            loss = criterion(model(x), m)
            opt.zero_grad()
            loss.backward()
            opt.step()
            sched.step()        # one-cycle runs per batch
            s += loss.item()
        print(f"epoch {epoch + 1}: focal loss {s / len(loader):.4f}  test IoU {iou(model, test):.3f}")


if __name__ == "__main__":
    main()
