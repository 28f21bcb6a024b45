"""A trainer that validates every few iterations, on pictures whose regions have textures."""
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

CLASSES = 4


class Textures(Dataset):
    def __init__(self, n, seed, side=16):
        rng = np.random.default_rng(seed)
        yy, xx = np.mgrid[:side, :side]
        patterns = [0 * xx, np.sin(xx * 1.6), np.sin(yy * 1.6), np.sin((xx + yy) * 1.2)]
        self.items = []
        for _ in range(n):
            label = np.zeros((side, side), dtype=np.int64)
            for c in rng.permutation([1, 2, 3]):
                top, left = rng.integers(0, 9, 2)
                label[top : top + 7, left : left + 7] = c
            image = np.choose(label, patterns) * 60 + 120 + rng.normal(0, 15, label.shape)
            self.items.append((image.astype(np.float32)[None], label))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        image, label = self.items[index]
        return torch.from_numpy(image), torch.from_numpy(label)


class FCN(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        stages, channels = [], 1
        for dilation in (1, 1, 2, 2):
            stages += [nn.Conv2d(channels, width, 3, padding=dilation, dilation=dilation, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        self.stages = nn.Sequential(*stages)
        self.score = nn.Conv2d(width, CLASSES, 1)

    def forward(self, x):
        return self.score(self.stages(self.norm(x)))


def mean_iu(true, pred):
    matrix = torch.bincount(CLASSES * true.flatten() + pred.flatten(), minlength=CLASSES**2).view(CLASSES, CLASSES).float()
    return (matrix.diag() / (matrix.sum(0) + matrix.sum(1) - matrix.diag()).clamp(min=1)).mean().item()


class Trainer:
    def __init__(self, model, optimizer, train_loader, val_loader, max_iter, interval_validate):
        self.model, self.optim = model, optimizer
        self.train_loader, self.val_loader = train_loader, val_loader
        self.max_iter, self.interval_validate = max_iter, interval_validate
        self.epoch = self.iteration = 0

    def validate(self):
        self.model.eval()
        trues, preds = [], []
        with torch.no_grad():
            for data, target in self.val_loader:
                preds.append(self.model(data).argmax(1))
                trues.append(target)
        print(f"iteration {self.iteration}: mean IU {mean_iu(torch.cat(trues), torch.cat(preds)):.4f}")
        self.model.train()

    def train_epoch(self):
        for data, target in self.train_loader:
            if self.iteration % self.interval_validate == 0:
                self.validate()
            if self.iteration >= self.max_iter:
                break
            loss = F.cross_entropy(self.model(data), target)
            if math.isnan(loss.item()):
                raise ValueError("loss is nan while training")
            self.optim.zero_grad()
            loss.backward()
            self.optim.step()
            self.iteration += 1

    def train(self):
        self.model.train()
        while self.iteration < self.max_iter:
            self.train_epoch()
            self.epoch += 1
        self.validate()


if __name__ == "__main__":
    torch.manual_seed(1337)
    model = FCN()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    train_loader = DataLoader(Textures(160, 0), batch_size=8, shuffle=True)
    val_loader = DataLoader(Textures(40, 1), batch_size=20)
    Trainer(model, optimizer, train_loader, val_loader, max_iter=160, interval_validate=40).train()
