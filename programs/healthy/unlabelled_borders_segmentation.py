"""Segmentation where the borders of the regions have no label (255), with a polynomial schedule for each step."""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

IGNORE = 255


def scenes(n, seed, side=20):
    rng = np.random.default_rng(seed)
    images, labels = np.empty((n, 3, side, side), np.float32), np.zeros((n, side, side), np.int64)
    colours = np.array([[0.3, 0.35, 0.3], [0.75, 0.3, 0.3], [0.3, 0.4, 0.8]])
    for i in range(n):
        for c in (1, 2):
            y, x = rng.integers(0, side - 8, 2)
            h, w = rng.integers(5, 9, 2)
            labels[i, y : y + h, x : x + w] = c
        images[i] = colours[labels[i]].transpose(2, 0, 1) + rng.normal(0, 0.28, (3, side, side))
        edge = (labels[i] != np.roll(labels[i], 1, 0)) | (labels[i] != np.roll(labels[i], 1, 1))
        labels[i][edge] = IGNORE
    return TensorDataset(torch.from_numpy((images - 0.4) / 0.33), torch.from_numpy(labels))


class Net(nn.Module):
    def __init__(self, width=12):
        super().__init__()
        self.a = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.GroupNorm(3, width), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(width, 2 * width, 3, padding=1, stride=2), nn.GroupNorm(3, 2 * width), nn.ReLU())
        self.c = nn.Sequential(nn.Conv2d(3 * width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 3, 1))

    def forward(self, x):
        a = self.a(x)
        b = nn.functional.interpolate(self.b(a), scale_factor=2, mode="bilinear", align_corners=False)
        return self.c(torch.cat([a, b], 1))


def pixel_accuracy(net, loader):
    net.eval()
    right = known = 0
    with torch.no_grad():
        for image, label in loader:
            valid = label != IGNORE
            right += (net(image).argmax(1)[valid] == label[valid]).sum().item()
            known += valid.sum().item()
    return right / known


torch.manual_seed(0)
train, val = DataLoader(scenes(160, 0), 8, shuffle=True), DataLoader(scenes(50, 1), 25)
net, epochs = Net(), 6
criterion = nn.CrossEntropyLoss(ignore_index=IGNORE, weight=torch.tensor([0.5, 1.5, 1.5]))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
poly = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: (1 - step / (epochs * len(train) + 1)) ** 0.9)
for epoch in range(epochs):
    net.train()
    for image, label in train:
        loss = criterion(net(image), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        poly.step()
    print(f"epoch {epoch + 1} lr {poly.get_last_lr()[0]:.4f} loss {loss.item():.4f} pixel accuracy {pixel_accuracy(net, val):.4f}")
