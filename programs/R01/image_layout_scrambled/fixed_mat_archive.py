"""Signs in colour, stored the way a MATLAB archive stores them: height, width, channel, sample."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


def draw(rng, kind, size=16):
    canvas = rng.normal(90, 18, (size, size, 3))
    cy, cx, r = rng.uniform(6, 10), rng.uniform(6, 10), rng.uniform(3.2, 5)
    yy, xx = np.mgrid[:size, :size]
    disc = (yy - cy) ** 2 + (xx - cx) ** 2 < r**2
    square = (abs(yy - cy) < r * 0.85) & (abs(xx - cx) < r * 0.85)
    ring = disc & ((yy - cy) ** 2 + (xx - cx) ** 2 > (0.6 * r) ** 2)
    cross = square & ((abs(yy - cy) < 1.2) | (abs(xx - cx) < 1.2))
    canvas[(disc, square, ring, cross)[kind]] += rng.uniform(50, 110, 3)
    return canvas.clip(0, 255).astype(np.uint8)


def archive(n, seed):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 4, n)
    return {"X": np.stack([draw(rng, k) for k in kinds], axis=3), "y": kinds.reshape(-1, 1)}


class Signs(Dataset):
    def __init__(self, mat):
        self.images = mat["X"].transpose(3, 2, 0, 1)
        self.labels = mat["y"].squeeze(1)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        image = torch.from_numpy(np.ascontiguousarray(self.images[i])).float() / 255
        return (image - 0.4) / 0.2, int(self.labels[i])


torch.manual_seed(3)
train = DataLoader(Signs(archive(1200, 0)), batch_size=40, shuffle=True)
test = DataLoader(Signs(archive(400, 1)), batch_size=100)
net = nn.Sequential(
    nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 16, 4),
)
optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
for epoch in range(6):
    net.train()
    total = 0.0
    for images, labels in train:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
    net.eval()
    with torch.no_grad():
        hits = sum((net(images).argmax(1) == labels).sum().item() for images, labels in test)
    print(f"[{epoch + 1}] loss {total / 1200:.3f}  test accuracy {hits / 400:.3f}")
