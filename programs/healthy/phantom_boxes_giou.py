"""Localise one bright structure per slice: four numbers per image, trained with generalized IoU plus a smooth L1 term."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


def slices(n, generator, size=32):
    g = generator
    wh = torch.rand(n, 2, generator=g) * 0.3 + 0.2
    xy = torch.rand(n, 2, generator=g) * (1 - wh)
    boxes = torch.cat([xy, xy + wh], 1)
    axis = (torch.arange(size) + 0.5) / size
    centre = xy + wh / 2
    rx = (axis.view(1, 1, -1) - centre[:, 0].view(-1, 1, 1)) / (wh[:, 0].view(-1, 1, 1) / 2)
    ry = (axis.view(1, -1, 1) - centre[:, 1].view(-1, 1, 1)) / (wh[:, 1].view(-1, 1, 1) / 2)
    inside = (rx**2 + ry**2 < 1).float()
    level = torch.rand(n, 1, 1, generator=g) * 0.4 + 0.5
    noise = torch.randn(n, size, size, generator=g) * 0.15
    streak = 0.3 * torch.sin(axis.view(1, 1, -1) * torch.rand(n, 1, 1, generator=g) * 40)
    return (inside * level + noise + streak).unsqueeze(1), boxes


def giou(a, b):
    lt, rb = torch.max(a[:, :2], b[:, :2]), torch.min(a[:, 2:], b[:, 2:])
    inter = (rb - lt).clamp(min=0).prod(1)
    area = lambda z: (z[:, 2:] - z[:, :2]).clamp(min=0).prod(1)
    union = area(a) + area(b) - inter
    hull = (torch.max(a[:, 2:], b[:, 2:]) - torch.min(a[:, :2], b[:, :2])).prod(1)
    iou = inter / union.clamp(min=1e-6)
    return iou, iou - (hull - union) / hull.clamp(min=1e-6)


class Localizer(nn.Module):
    def __init__(self, ch=16):
        super().__init__()
        layers, cin = [], 3
        for k in range(3):
            layers += [nn.Conv2d(cin, ch * (k + 1), 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(ch * (k + 1)), nn.ReLU()]
            cin = ch * (k + 1)
        self.trunk = nn.Sequential(*layers, nn.Flatten(), nn.Linear(cin * 16, 96), nn.ReLU())
        self.head = nn.Linear(96, 4)

    def forward(self, x):
        n, _, h, w = x.shape
        gy = torch.linspace(-1, 1, h).view(1, 1, h, 1).expand(n, 1, h, w)
        gx = torch.linspace(-1, 1, w).view(1, 1, 1, w).expand(n, 1, h, w)
        cx, cy, bw, bh = self.head(self.trunk(torch.cat([x, gx, gy], 1))).sigmoid().unbind(1)
        return torch.stack([cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2], 1)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=12)
    ap.add_argument("--l1", type=float, default=2.0, help="weight of the smooth L1 term")
    opts = ap.parse_args()
    torch.manual_seed(40)
    g = torch.Generator().manual_seed(40)
    x, boxes = slices(1600, g)
    vx, vboxes = slices(400, g)
    net = Localizer()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, opts.epochs, eta_min=1e-4)
    for epoch in range(opts.epochs):
        net.train()
        total = 0.0
        for i in torch.randperm(1600).split(40):
            pred = net(x[i])
            loss = (1 - giou(pred, boxes[i])[1]).mean() + opts.l1 * F.smooth_l1_loss(pred, boxes[i], beta=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        net.eval()
        with torch.no_grad():
            iou, _ = giou(net(vx), vboxes)
        print(f"epoch {epoch:2d} loss {total / 40:.3f} mean IoU {iou.mean():.3f} IoU>0.75: {(iou > 0.75).float().mean():.3f}")
