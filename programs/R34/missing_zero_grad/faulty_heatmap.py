import numpy as np
import torch
import torch.nn as nn
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class PointDataset(Dataset):
    """A digit somewhere on a canvas; the target is a Gaussian blob at its centre."""

    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        digits = load_digits().images / 16
        yy, xx = np.mgrid[0:20, 0:20]
        self.images, self.maps, self.points = [], [], []
        for _ in range(n):
            canvas = rng.random((20, 20)) * 0.2
            r, c = rng.integers(0, 12, 2)
            canvas[r : r + 8, c : c + 8] += digits[rng.integers(len(digits))]
            self.images.append(canvas[None])
            self.points.append((r + 4, c + 4))
            self.maps.append(np.exp(-((yy - r - 4) ** 2 + (xx - c - 4) ** 2) / 8)[None])

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return (
            torch.tensor(self.images[i], dtype=torch.float32),
            torch.tensor(self.maps[i], dtype=torch.float32),
            torch.tensor(self.points[i]),
        )


def block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 5, padding=2), nn.BatchNorm2d(o), nn.ReLU())


def train(model, train_loader, optimizer, criterion, epoch):
    model.train()
    losses = []
    for iter_id, (images, hm, _) in enumerate(train_loader):
        out = torch.sigmoid(model(images))
        loss = criterion(out, hm)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print("train, epoch = {}, loss = {:.5f}".format(epoch, np.mean(losses)))


def val(model, val_loader):
    model.eval()
    dist = []
    with torch.no_grad():
        for images, _, points in val_loader:
            best = model(images).flatten(1).argmax(1)
            pred = torch.stack([best // 20, best % 20], 1)
            dist.append((pred - points).float().norm(dim=1))
    return torch.cat(dist).mean().item()


if __name__ == "__main__":
    torch.manual_seed(1)
    train_loader = DataLoader(PointDataset(512, 0), batch_size=16, shuffle=True)
    val_loader = DataLoader(PointDataset(128, 1), batch_size=64)
    model = nn.Sequential(block(1, 8), block(8, 16), nn.Conv2d(16, 1, 5, padding=2))
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    for epoch in range(4):
        train(model, train_loader, optimizer, criterion, epoch)
        print("val, mean distance {:.3f}".format(val(model, val_loader)))
