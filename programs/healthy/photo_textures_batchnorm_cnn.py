"""Which photograph does a 24x24 crop come from? Left part of each picture trains, right part tests."""
import random

import numpy as np
import torch
from skimage import data as skdata
from skimage.color import rgb2gray
from torch import nn
from torch.utils.data import DataLoader, Dataset

NAMES = ["brick", "grass", "gravel", "coins", "page", "moon"]
CROP = 24


def load(name):
    img = getattr(skdata, name)()
    if img.ndim == 3:
        img = rgb2gray(img)
    img = img.astype(np.float32)
    return img / 255.0 if img.max() > 1.5 else img


class Crops(Dataset):
    def __init__(self, pictures, n, train):
        self.pictures, self.n, self.train = pictures, n, train
        rng = random.Random(99)
        self.fixed = [
            (k % len(pictures), rng.random(), rng.random()) for k in range(n)
        ]

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        label, u, v = self.fixed[i]
        if self.train:
            u, v = random.random(), random.random()
        img = self.pictures[label]
        r = int(u * (img.shape[0] - CROP))
        c = int(v * (img.shape[1] - CROP))
        crop = img[r:r + CROP, c:c + CROP]
        if self.train and random.random() < 0.5:
            crop = crop[:, ::-1]
        crop = (crop - 0.5) / 0.25
        return torch.from_numpy(np.ascontiguousarray(crop))[None], label


def block(cin, cout):
    return nn.Sequential(
        nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True), nn.MaxPool2d(2)
    )


def main():
    random.seed(0)
    torch.manual_seed(0)
    left, right = [], []
    for name in NAMES:
        img = load(name)
        cut = int(img.shape[1] * 0.7)
        left.append(img[:, :cut])
        right.append(img[:, cut:])
    train = DataLoader(Crops(left, 1200, True), batch_size=48, shuffle=True, drop_last=True)
    test = DataLoader(Crops(right, 600, False), batch_size=200)

    model = nn.Sequential(block(1, 16), block(16, 32), block(32, 48), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(48, len(NAMES)))
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, milestones=[6, 9], gamma=0.2)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(11):
        model.train()
        total, hits, seen = 0.0, 0, 0
        for x, y in train:
            opt.zero_grad(set_to_none=True)
            out = model(x)
            loss = criterion(out, y)
            loss.backward()
            opt.step()
            total += loss.item() * len(y)
            hits += (out.argmax(1) == y).sum().item()
            seen += len(y)
        sched.step()
        model.eval()
        good = count = 0
        with torch.no_grad():
            for x, y in test:
                good += (model(x).argmax(1) == y).sum().item()
                count += len(y)
        print(f"[{epoch + 1:02d}] lr {sched.get_last_lr()[0]:.4f} loss {total / seen:.3f} "
              f"train acc {hits / seen:.3f} test acc {good / count:.3f}")


if __name__ == "__main__":
    main()
