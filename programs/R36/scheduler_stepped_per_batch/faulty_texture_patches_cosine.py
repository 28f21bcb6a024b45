import logging

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from skimage import data
from torch.utils.data import DataLoader, TensorDataset

logging.basicConfig(format="%(message)s", level=logging.INFO, handlers=[logging.StreamHandler(__import__("sys").stdout)])
log = logging.getLogger("textures")

CFG = dict(patch=24, train_per_class=220, test_per_class=120, batch=32, epochs=9, lr=0.12, momentum=0.9, wd=1e-3)


def patches(image, count, rng, rows):
    p, out = CFG["patch"], []
    lo, hi = rows
    for _ in range(count):
        r = rng.integers(lo, hi - p)
        c = rng.integers(0, image.shape[1] - p)
        crop = image[r : r + p, c : c + p].astype(np.float32) / 255
        out.append((crop - crop.mean()) / (crop.std() + 1e-3))
    return np.stack(out)


def build_sets(rng):
    sources = [data.brick(), data.grass(), data.gravel(), data.camera()[200:, :], data.page(), data.text()]
    xs, ys, xt, yt = [], [], [], []
    for label, image in enumerate(sources):
        h = image.shape[0]
        xs.append(patches(image, CFG["train_per_class"], rng, (0, int(h * 0.6))))
        xt.append(patches(image, CFG["test_per_class"], rng, (int(h * 0.6), h)))
        ys += [label] * CFG["train_per_class"]
        yt += [label] * CFG["test_per_class"]
    def pack(x, y):
        return TensorDataset(torch.tensor(np.concatenate(x)).unsqueeze(1), torch.tensor(y))
    return pack(xs, ys), pack(xt, yt)


class ConvBlock(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, 3, padding=1)
        self.norm = nn.GroupNorm(4, cout)

    def forward(self, x):
        return F.max_pool2d(F.leaky_relu(self.norm(self.conv(x)), 0.1), 2)


class TextureNet(nn.Module):
    def __init__(self, n_classes=6):
        super().__init__()
        self.blocks = nn.Sequential(ConvBlock(1, 12), ConvBlock(12, 24), ConvBlock(24, 48))
        self.fc = nn.Linear(48, n_classes)

    def forward(self, x):
        return self.fc(self.blocks(x).mean((2, 3)))


def train_one_epoch(model, loader, optimizer, scheduler, epoch):
    model.train()
    meter = []
    for x, y in loader:
        if torch.rand(1) < 0.5:
            x = x.flip(3)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        meter.append(loss.item())
    log.info("epoch %d lr %.5f loss %.4f", epoch, optimizer.param_groups[0]["lr"], np.mean(meter))


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    return np.mean([(model(x).argmax(1) == y).float().mean().item() for x, y in loader])


def main():
    rng = np.random.default_rng(1234)
    torch.manual_seed(1234)
    train_set, test_set = build_sets(rng)
    train_loader = DataLoader(train_set, CFG["batch"], shuffle=True, drop_last=True)
    test_loader = DataLoader(test_set, 120)
    model = TextureNet()
    optimizer = torch.optim.SGD(model.parameters(), CFG["lr"], momentum=CFG["momentum"], weight_decay=CFG["wd"])
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=CFG["epochs"])
    for epoch in range(CFG["epochs"]):
        train_one_epoch(model, train_loader, optimizer, scheduler, epoch)
    log.info("test acc: %.4f", evaluate(model, test_loader))


if __name__ == "__main__":
    main()
