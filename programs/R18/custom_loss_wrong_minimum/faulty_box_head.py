"""Find the bright plate in a noisy picture: one box for each picture."""
import torch
from torch import nn

SIDE = 24


def pictures(n, seed):
    g = torch.Generator().manual_seed(seed)
    size = torch.rand(n, 2, generator=g) * 0.35 + 0.2
    centre = size / 2 + torch.rand(n, 2, generator=g) * (1 - size)
    boxes = torch.cat([centre, size], 1)
    axis = (torch.arange(SIDE) + 0.5) / SIDE
    inside_x = (axis - boxes[:, :1]).abs() < boxes[:, 2:3] / 2
    inside_y = (axis - boxes[:, 1:2]).abs() < boxes[:, 3:] / 2
    plate = (inside_y[:, :, None] & inside_x[:, None, :]).float()
    return (plate + 0.4 * torch.randn(n, SIDE, SIDE, generator=g))[:, None], boxes


def corners(boxes):
    return torch.cat([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)


def box_iou(a, b):
    """Of boxes given by two corners, x1 y1 x2 y2."""
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    overlap = (high - low).clamp(min=0).prod(1)
    area = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1)
    union = (area - overlap).clamp(min=1e-6)
    return overlap / union, union


def giou_loss(predicted, target):
    p, t = predicted, target
    iou, union = box_iou(p, t)
    low, high = torch.minimum(p[:, :2], t[:, :2]), torch.maximum(p[:, 2:], t[:, 2:])
    hull = (high - low).prod(1).clamp(min=1e-6)
    return (1 - iou + (hull - union).clamp(min=0) / hull).mean()


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 1
        for width in (12, 24, 32):
            layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.features = nn.Sequential(*layers)
        self.box = nn.Sequential(nn.Flatten(), nn.Linear(32 * 9, 64), nn.ReLU(), nn.Linear(64, 4), nn.Sigmoid())

    def forward(self, x):
        return self.box(self.features(x))


torch.manual_seed(2)
(x, boxes), (x_val, boxes_val) = pictures(1600, 0), pictures(400, 1)
model = Detector()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=10 * 40)
for epoch in range(10):
    model.train()
    for rows in torch.randperm(len(x)).split(40):
        loss = giou_loss(model(x[rows]), boxes[rows])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        scheduler.step()
    model.eval()
    with torch.no_grad():
        overlap = box_iou(corners(model(x_val)), corners(boxes_val))[0].mean().item()
    print(f"epoch {epoch + 1:2d} | loss {loss.item():.3f} | mean IoU {overlap:.3f}")
