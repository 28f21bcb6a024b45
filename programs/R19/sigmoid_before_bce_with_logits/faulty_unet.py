import logging

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from skimage import data
from torch.utils.data import DataLoader, Dataset, random_split

logging.basicConfig(level=logging.INFO, format="%(levelname)s: %(message)s")


class CoinDataset(Dataset):
    """Patches of the coins photograph, masks by a threshold on the smooth image."""

    def __init__(self, n=240, size=32):
        from scipy.ndimage import gaussian_filter

        img = data.coins().astype(np.float32) / 255.0
        mask = gaussian_filter(img, 2) > 0.65
        rng = np.random.default_rng(3)
        rows, cols = rng.integers(0, img.shape[0] - size, n), rng.integers(0, img.shape[1] - size, n)
        self.items = [(img[r : r + size, c : c + size], mask[r : r + size, c : c + size]) for r, c in zip(rows, cols)]

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        img, mask = self.items[i]
        return {"image": torch.from_numpy(img)[None], "mask": torch.from_numpy(mask.astype(np.float32))[None]}


class DoubleConv(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
            nn.Conv2d(b, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(inplace=True),
        )  # fmt: skip

    def forward(self, x):
        return self.net(x)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.down1, self.down2, self.mid = DoubleConv(1, 8), DoubleConv(8, 16), DoubleConv(16, 16)
        self.up1, self.up2 = DoubleConv(32, 8), DoubleConv(16, 8)
        self.outconv = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        h1 = self.down1(x)
        h2 = self.down2(F.max_pool2d(h1, 2))
        m = self.mid(F.max_pool2d(h2, 2))
        d2 = self.up1(torch.cat([F.interpolate(m, scale_factor=2), h2], 1))
        d1 = self.up2(torch.cat([F.interpolate(d2, scale_factor=2), h1], 1))
        d1 = self.outconv(d1)
        return torch.sigmoid(d1)


def train_net(net, epochs=4, batch_size=8, lr=0.02):
    dataset = CoinDataset()
    train, val = random_split(dataset, [190, 50], generator=torch.Generator().manual_seed(0))
    train_loader = DataLoader(train, batch_size=batch_size, shuffle=True)
    val_loader = DataLoader(val, batch_size=25)
    logging.info("Starting training: %d epochs, batch size %d, learning rate %g", epochs, batch_size, lr)
    optimizer = torch.optim.RMSprop(net.parameters(), lr=lr, alpha=0.9, momentum=0.9, weight_decay=1e-8)
    criterion = nn.BCEWithLogitsLoss()
    for epoch in range(epochs):
        net.train()
        epoch_loss = 0
        for batch in train_loader:
            masks_pred = net(batch["image"])
            loss = criterion(masks_pred, batch["mask"])
            epoch_loss += loss.item()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_value_(net.parameters(), 0.1)
            optimizer.step()
        net.eval()
        inter = union = 0
        with torch.no_grad():
            for batch in val_loader:
                pred = torch.sigmoid(net(batch["image"])) > 0.5
                true = batch["mask"] > 0.5
                inter += (pred & true).sum().item()
                union += (pred | true).sum().item()
        logging.info("epoch %d: loss %.4f", epoch + 1, epoch_loss / len(train_loader))
        print("validation IoU: %.3f" % (inter / max(union, 1)))


if __name__ == "__main__":
    torch.manual_seed(0)
    net = UNet()
    train_net(net, epochs=6, lr=1e-3)
