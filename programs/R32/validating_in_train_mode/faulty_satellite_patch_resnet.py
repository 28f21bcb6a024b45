"""Land use classification on small multispectral patches (4 bands), compact ResNet."""
import argparse
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

CLASSES = ("water", "forest", "field", "urban", "bare")
#            blue   green  red    nir
SIGNATURE = np.array([
    [0.10, 0.08, 0.06, 0.03],
    [0.05, 0.09, 0.05, 0.40],
    [0.07, 0.12, 0.09, 0.33],
    [0.16, 0.17, 0.18, 0.22],
    [0.14, 0.18, 0.23, 0.30],
])


def patch(cls, rng, size=16):
    yy, xx = np.mgrid[:size, :size]
    base = SIGNATURE[cls][:, None, None] * rng.uniform(0.75, 1.25)
    if cls == 0:
        tex = 0.1 * np.sin(0.8 * xx + rng.uniform(0, 6))
    elif cls == 1:
        tex = 0.35 * rng.normal(size=(size, size))
    elif cls == 2:
        a = rng.uniform(0, np.pi)
        tex = 0.3 * np.sign(np.sin(1.2 * (xx * np.cos(a) + yy * np.sin(a))))
    elif cls == 3:
        tex = 0.5 * (((xx // 4 + rng.integers(4)) % 2) * ((yy // 4 + rng.integers(4)) % 2)) + 0.1 * rng.normal(size=(size, size))
    else:
        tex = 0.12 * rng.normal(size=(size, size))
    img = base * (1 + tex) + rng.normal(0, 0.02, (4, size, size))
    return img.astype(np.float32)


def scene(tiles_per_class, patches_per_tile, seed):
    """Patches are cut tile by tile, one land use polygon after the other."""
    rng = np.random.default_rng(seed)
    x, y = [], []
    for cls in range(len(CLASSES)):
        for _ in range(tiles_per_class * patches_per_tile):
            x.append(patch(cls, rng))
            y.append(cls)
    return torch.tensor(np.array(x)), torch.tensor(y)


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.down = None
        if stride != 1 or cin != cout:
            self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        identity = x if self.down is None else self.down(x)
        out = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(out)) + identity)


class PatchResNet(nn.Module):
    def __init__(self, bands=4, classes=5):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(bands, 12, 3, padding=1, bias=False), nn.BatchNorm2d(12), nn.ReLU())
        self.layers = nn.Sequential(BasicBlock(12, 12), BasicBlock(12, 24, 2), BasicBlock(24, 32, 2))
        self.fc = nn.Linear(32, classes)

    def forward(self, x):
        return self.fc(self.layers(self.stem(x)).mean((2, 3)))


def validate(model, loader):
    correct, total, loss = 0, 0, 0.0
    with torch.no_grad():
        for x, y in loader:
            out = model(x)
            loss += F.cross_entropy(out, y, reduction="sum").item()
            correct += (out.argmax(1) == y).sum().item()
            total += y.size(0)
    return loss / total, correct / total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--lr", type=float, default=0.05)
    args = parser.parse_args()
    torch.manual_seed(0)

    x_train, y_train = scene(10, 20, seed=1)
    x_val, y_val = scene(3, 20, seed=2)
    mean = x_train.mean((0, 2, 3), keepdim=True)
    std = x_train.std((0, 2, 3), keepdim=True)
    train_loader = DataLoader(TensorDataset((x_train - mean) / std, y_train), batch_size=32, shuffle=True, drop_last=True)
    val_loader = DataLoader(TensorDataset((x_val - mean) / std, y_val), batch_size=20)

    model = PatchResNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9, weight_decay=5e-4, nesterov=True)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.epochs)
    for epoch in range(args.epochs):
        t0 = time.time()
        model.train()
        loss_sum, hits = 0.0, 0
        for x, y in train_loader:
            optimizer.zero_grad()
            out = model(x)
            loss = F.cross_entropy(out, y)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
            hits += (out.argmax(1) == y).sum().item()
        scheduler.step()
        val_loss, val_acc = validate(model, val_loader)
        print(f"epoch {epoch + 1} ({time.time() - t0:.1f}s) train_loss {loss_sum / len(train_loader):.4f} "
              f"train_acc {hits / (len(train_loader) * 32):.3f} val_loss {val_loss:.4f} val_acc {val_acc:.3f}")


if __name__ == "__main__":
    main()
