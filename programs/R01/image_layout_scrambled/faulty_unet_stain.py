"""Segmentation of brown (DAB) stained tissue in colour crops with a small U-Net."""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from skimage import data
from skimage.color import rgb2hed
from torch.utils.data import DataLoader, Dataset


class StainCrops(Dataset):
    def __init__(self, image, mask, n, size=48, seed=0):
        rng = np.random.default_rng(seed)
        height, width = mask.shape
        self.corners = [(rng.integers(height - size), rng.integers(width - size)) for _ in range(n)]
        self.image, self.mask, self.size = image, mask, size

    def __len__(self):
        return len(self.corners)

    def __getitem__(self, i):
        top, left = self.corners[i]
        crop = self.image[top : top + self.size, left : left + self.size]
        mask = self.mask[top : top + self.size, left : left + self.size]
        crop = crop.reshape(3, self.size, self.size)
        x = torch.tensor(crop, dtype=torch.float32) / 127.5 - 1
        return x, torch.tensor(mask, dtype=torch.float32)[None]


def double_conv(c_in, c_out):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(c_out),
        nn.ReLU(inplace=True),
    )


class UNet(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.down1 = double_conv(3, width)
        self.down2 = double_conv(width, 2 * width)
        self.bottom = double_conv(2 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.conv2 = double_conv(4 * width, 2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.conv1 = double_conv(2 * width, width)
        self.out = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        d1 = self.down1(x)
        d2 = self.down2(F.max_pool2d(d1, 2))
        h = self.bottom(F.max_pool2d(d2, 2))
        h = self.conv2(torch.cat([self.up2(h), d2], 1))
        h = self.conv1(torch.cat([self.up1(h), d1], 1))
        return self.out(h)


def dice_score(logits, target):
    pred = (logits.sigmoid() > 0.5).float()
    return (2 * (pred * target).sum() + 1) / (pred.sum() + target.sum() + 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--batch-size", type=int, default=16)
    args = parser.parse_args()
    torch.manual_seed(3)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    image = data.immunohistochemistry()
    dab = rgb2hed(image)[..., 2]
    mask = dab > np.quantile(dab, 0.7)
    split = 352
    train_set = StainCrops(image[:, :split], mask[:, :split], 320, seed=1)
    val_set = StainCrops(image[:, split:], mask[:, split:], 80, seed=2)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=40)

    model = UNet().to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for x, y in train_loader:
            x, y = x.to(device), y.to(device)
            loss = criterion(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(x)
        model.eval()
        with torch.no_grad():
            scores = [dice_score(model(x.to(device)), y.to(device)).item() for x, y in val_loader]
        print(f"epoch {epoch}: train loss {total / len(train_set):.4f}  val dice {np.mean(scores):.4f}")


if __name__ == "__main__":
    main()
