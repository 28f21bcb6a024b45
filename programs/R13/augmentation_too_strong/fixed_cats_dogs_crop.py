import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

np.random.seed(12)
torch.manual_seed(12)

SIZE = 28


def animal(label):
    yy, xx = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    fur = np.random.uniform(0.35, 0.75)
    img = np.full((SIZE, SIZE), np.random.uniform(0.0, 0.25), dtype=np.float32)
    cy, cx = 16 + np.random.uniform(-1, 1), 14 + np.random.uniform(-2, 2)
    img[((yy - cy) / 7.5) ** 2 + ((xx - cx) / 6.5) ** 2 <= 1] = fur
    for side in (-1, 1):
        ex = cx + 5 * side
        if label == 0:
            ear = (yy > 3) & (yy < 10) & (np.abs(xx - ex) < (yy - 2) / 3)
        else:
            ear = (yy > 14) & (yy < 24) & (np.abs(xx - ex - 2 * side) < 1.6)
        img[ear] = fur
        img[(yy - cy + 2) ** 2 + (xx - cx - 2.5 * side) ** 2 < 1.5] = 0.05
    return img + 0.04 * np.random.randn(SIZE, SIZE).astype(np.float32)


def resize(img, size):
    t = torch.as_tensor(img)[None, None]
    return F.interpolate(t, size=(size, size), mode='bilinear', align_corners=False)[0, 0].numpy()


def vertical_flip(img, p=0.5):
    return img[::-1].copy() if np.random.rand() < p else img


def random_crop(img, size):
    top, left = np.random.randint(0, SIZE - size + 1, 2)
    return resize(img[top:top + size, left:left + size].copy(), SIZE)


def color_jitter(img):
    img = img * np.random.uniform(0.3, 1.7) + np.random.uniform(-0.4, 0.4)
    return np.clip(img, 0, 1)


class TrainTransform:
    def __call__(self, img):
        img = resize(img, SIZE)
        return (img - 0.5) / 0.5


class ValTransform:
    def __call__(self, img):
        return (resize(img, SIZE) - 0.5) / 0.5


class Animals(Dataset):
    def __init__(self, n, transform):
        self.labels = np.random.randint(0, 2, n)
        self.images = [animal(k) for k in self.labels]
        self.transform = transform

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        img = self.images[i]
        return torch.tensor(self.transform(img), dtype=torch.float32)[None], int(self.labels[i])


train_loader = DataLoader(Animals(500, TrainTransform()), batch_size=32, shuffle=True)
val_loader = DataLoader(Animals(200, ValTransform()), batch_size=100)

net = nn.Sequential(
    nn.Conv2d(1, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12), nn.ReLU(),
    nn.Conv2d(12, 24, 3, stride=2, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
    nn.Flatten(), nn.Linear(24 * 49, 32), nn.ReLU(), nn.Linear(32, 2))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

for epoch in range(8):
    net.train()
    losses = []
    for images, labels in train_loader:
        optimizer.zero_grad()
        loss = criterion(net(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        acc = np.mean([(net(x).argmax(1) == y).float().mean().item() for x, y in val_loader])
    print(f'epoch {epoch} loss {np.mean(losses):.4f} val acc {acc:.3f}')

print(f'final validation accuracy: {acc:.3f}')
