"""Keypoints of a stick figure by regressing one Gaussian heat map per joint; the metric is the pixel error of the peaks."""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(8)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SIZE, JOINTS, SIGMA = 32, 4, 1.5
ys, xs = torch.meshgrid(torch.arange(SIZE, dtype=torch.float32), torch.arange(SIZE, dtype=torch.float32), indexing="ij")


def segment(a, b):
    ab = b - a
    t = (((xs - a[0]) * ab[0] + (ys - a[1]) * ab[1]) / (ab @ ab)).clamp(0, 1)
    return (((xs - a[0] - t * ab[0]) ** 2 + (ys - a[1] - t * ab[1]) ** 2).sqrt() < 1.0).float()


def figures(count):
    images, joints = [], []
    for _ in range(count):
        points = [8 + 16 * torch.rand(2)]
        angle = 2 * math.pi * torch.rand(())
        for length in (7.0, 6.0, 5.0):
            angle = angle + (torch.rand(()) - 0.5) * 2
            points.append((points[-1] + length * torch.stack([angle.cos(), angle.sin()])).clamp(1, SIZE - 2))
        image = sum(segment(points[i], points[i + 1]) * (1.0 - 0.25 * i) for i in range(3)).clamp(max=1)
        images.append((image + 0.1 * torch.randn(SIZE, SIZE))[None])
        joints.append(torch.stack(points))
    return torch.stack(images), torch.stack(joints)


def heatmaps(joints):
    squared = (xs - joints[..., 0, None, None]) ** 2 + (ys - joints[..., 1, None, None]) ** 2
    return torch.exp(-squared / (2 * SIGMA ** 2))


def peaks(maps):
    index = maps.flatten(2).argmax(-1)
    return torch.stack([index % SIZE, index // SIZE], -1).float()


def conv(i, o, stride=1):
    return nn.Sequential(nn.Conv2d(i, o, 3, stride, 1), nn.GroupNorm(4, o), nn.SiLU())


class Hourglass(nn.Module):
    def __init__(self, width=24):
        super().__init__()
        self.stem = conv(1, width)
        self.down = nn.Sequential(conv(width, width, 2), conv(width, 2 * width, 2), conv(2 * width, 2 * width))
        self.up = nn.Sequential(nn.Upsample(scale_factor=2), conv(2 * width, width), nn.Upsample(scale_factor=2), conv(width, width))
        self.out = nn.Conv2d(width, JOINTS, 1)

    def forward(self, x):
        x = self.stem(x)
        return self.out(x + self.up(self.down(x)))


train_images, train_joints = figures(1000)
test_images, test_joints = figures(200)
loader = DataLoader(TensorDataset(train_images, heatmaps(train_joints)), batch_size=32, shuffle=True)
model = Hourglass().to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
for epoch in range(10):
    model.train()
    for images, maps in loader:
        loss = nn.functional.mse_loss(model(images.to(device)), maps.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
    model.eval()
    with torch.no_grad():
        error = (peaks(model(test_images.to(device)).cpu()) - test_joints).norm(dim=-1)
    print(f"epoch {epoch + 1}: loss {loss.item():.5f}, error {error.mean():.2f} px, within 3 px {(error < 3).float().mean():.3f}")
