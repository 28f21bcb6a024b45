"""Segment bright cells in grey pictures with a small U-Net."""
import argparse
import logging
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, Dataset, random_split


def scan(seed, side=32):
    """A picture and its mask, both as 8-bit grey images."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[:side, :side]
    mask = np.zeros((side, side), dtype=np.uint8)
    for _ in range(rng.integers(2, 5)):
        cy, cx = rng.uniform(4, side - 4, 2)
        ry, rx = rng.uniform(2.5, 5.5, 2)
        mask[((yy - cy) / ry) ** 2 + ((xx - cx) / rx) ** 2 < 1] = 255
    picture = 80 + 0.28 * mask + rng.normal(0, 25, mask.shape) + 30 * xx / side
    return picture.clip(0, 255).astype(np.uint8), mask


class BasicDataset(Dataset):
    def __init__(self, ids):
        self.scans = [scan(i) for i in ids]

    def __len__(self):
        return len(self.scans)

    @staticmethod
    def preprocess(picture):
        return (picture.astype(np.float32) / 255)[None]

    def __getitem__(self, i):
        picture, mask = self.scans[i]
        mask = (mask.astype(np.float32) / 255)[None]
        return {"image": torch.from_numpy(self.preprocess(picture)), "mask": torch.from_numpy(mask)}


class DoubleConv(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True),
            nn.Conv2d(cout, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.double_conv(x)


class UNet(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.inc, self.down = DoubleConv(1, width), DoubleConv(width, 2 * width)
        self.up = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.fuse, self.outc = DoubleConv(2 * width, width), nn.Conv2d(width, 1, 1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down(F.max_pool2d(x1, 2))
        return self.outc(self.fuse(torch.cat([x1, self.up(x2)], 1)))


@torch.no_grad()
def eval_net(net, loader):
    net.eval()
    dice = 0.0
    for batch in loader:
        pred = (torch.sigmoid(net(batch["image"])) > 0.5).float()
        truth = (batch["mask"] > 0).float()
        dice += (2 * (pred * truth).sum() / (pred.sum() + truth.sum() + 1e-6)).item()
    return dice / len(loader)


def train_net(net, args):
    dataset = BasicDataset(range(260))
    train, val = random_split(dataset, [200, 60])
    train_loader = DataLoader(train, batch_size=args.batchsize, shuffle=True)
    val_loader = DataLoader(val, batch_size=args.batchsize)
    optimizer = optim.RMSprop(net.parameters(), lr=args.lr, weight_decay=1e-8, momentum=0.9)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(args.epochs):
        net.train()
        epoch_loss = 0
        for batch in train_loader:
            loss = criterion(net(batch["image"]), batch["mask"])
            epoch_loss += loss.item()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(net.parameters(), 0.1)
            optimizer.step()
        logging.info("Epoch %d finished! Loss: %.4f val dice: %.4f", epoch + 1, epoch_loss / len(train_loader), eval_net(net, val_loader))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s", stream=sys.stdout)
    parser = argparse.ArgumentParser()
    parser.add_argument("-e", "--epochs", type=int, default=5)
    parser.add_argument("-b", "--batchsize", type=int, default=10)
    parser.add_argument("-l", "--lr", type=float, default=1e-3)
    args = parser.parse_args()
    torch.manual_seed(0)
    train_net(UNet(), args)
