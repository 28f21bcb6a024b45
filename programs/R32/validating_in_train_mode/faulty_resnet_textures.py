"""Surface classification: which of five surfaces does a patch show?"""
from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from skimage import color, data
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class TrainConfig:
    patch: int = 24
    per_class: int = 240
    epochs: int = 5
    batch_size: int = 48
    lr: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 1e-4
    widths: list = field(default_factory=lambda: [12, 24, 48])
    seed: int = 8


def surfaces():
    cat = color.rgb2gray(data.chelsea())[60:260, 140:340]
    return [data.brick() / 255, data.grass() / 255, data.gravel() / 255, data.coins() / 255, cat]


def patches(cfg, seed, part):
    """Patches of the left (0) or the right half (1) of every surface."""
    rng = np.random.default_rng(seed)
    x, y = [], []
    for label, picture in enumerate(surfaces()):
        half = picture.shape[1] // 2
        picture = picture[:, part * half : (part + 1) * half]
        for _ in range(cfg.per_class if part == 0 else 60):
            top = rng.integers(picture.shape[0] - cfg.patch)
            left = rng.integers(picture.shape[1] - cfg.patch)
            patch = picture[top : top + cfg.patch, left : left + cfg.patch]
            x.append((patch - 0.45) / 0.2)
            y.append(label)
    return TensorDataset(torch.tensor(np.array(x), dtype=torch.float32)[:, None], torch.tensor(y))


class BasicBlock(nn.Module):
    def __init__(self, inplanes, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride=stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        identity = self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(x)) + identity, inplace=True)


class SurfaceNet(nn.Module):
    def __init__(self, widths, classes=5):
        super().__init__()
        inplanes, blocks = 1, []
        for i, width in enumerate(widths):
            blocks.append(BasicBlock(inplanes, width, stride=1 if i == 0 else 2))
            inplanes = width
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(inplanes, classes)

    def forward(self, x):
        return self.fc(F.adaptive_avg_pool2d(self.blocks(x), 1).flatten(1))


class Trainer:
    def __init__(self, model, cfg, train_set, test_set):
        self.cfg = cfg
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.to(self.device)
        self.train_loader = DataLoader(train_set, batch_size=cfg.batch_size, shuffle=True)
        self.test_loader = DataLoader(test_set, batch_size=4)
        self.optimizer = torch.optim.SGD(
            model.parameters(), lr=cfg.lr, momentum=cfg.momentum, weight_decay=cfg.weight_decay
        )
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, max_lr=cfg.lr, total_steps=cfg.epochs * len(self.train_loader)
        )

    def train_one_epoch(self):
        self.model.train()
        running = 0.0
        for images, labels in self.train_loader:
            images, labels = images.to(self.device), labels.to(self.device)
            loss = F.cross_entropy(self.model(images), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.scheduler.step()
            running += loss.item()
        return running / len(self.train_loader)

    def test(self):
        correct, loss = 0, 0.0
        with torch.no_grad():
            for images, labels in self.test_loader:
                images, labels = images.to(self.device), labels.to(self.device)
                output = self.model(images)
                loss += F.cross_entropy(output, labels, reduction="sum").item()
                correct += (output.argmax(dim=1) == labels).sum().item()
        count = len(self.test_loader.dataset)
        return loss / count, correct / count

    def run(self):
        for epoch in range(self.cfg.epochs):
            train_loss = self.train_one_epoch()
            test_loss, accuracy = self.test()
            print(f"Epoch {epoch}: train loss {train_loss:.4f}, test loss {test_loss:.4f}, test accuracy {accuracy:.4f}")


if __name__ == "__main__":
    cfg = TrainConfig()
    torch.manual_seed(cfg.seed)
    Trainer(SurfaceNet(cfg.widths), cfg, patches(cfg, 0, 0), patches(cfg, 1, 1)).run()
