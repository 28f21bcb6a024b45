"""Find a digit on a noisy canvas: class and bounding box from one network."""
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


@dataclass
class Config:
    canvas: int = 32
    batch_size: int = 50
    epochs: int = 14
    lr: float = 2e-3
    box_weight: float = 1.0
    seed: int = 5


class Canvases(Dataset):
    def __init__(self, images, labels, canvas, seed):
        rng = np.random.default_rng(seed)
        self.pictures, self.boxes, self.labels = [], [], torch.tensor(labels)
        for image in images:
            size = int(rng.choice([8, 16]))
            digit = np.kron(image / 16, np.ones((size // 8, size // 8)))
            top, left = rng.integers(0, canvas - size + 1, 2)
            picture = 0.15 * rng.random((canvas, canvas))
            picture[top : top + size, left : left + size] += digit
            self.pictures.append(picture)
            self.boxes.append((left / canvas, top / canvas, (left + size) / canvas, (top + size) / canvas))
        self.pictures = torch.tensor(np.array(self.pictures), dtype=torch.float32)[:, None]
        self.boxes = torch.tensor(self.boxes, dtype=torch.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.pictures[i], self.labels[i], self.boxes[i]


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [], 1
        for width in (16, 32, 48):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)]
            channels = width
        self.backbone = nn.Sequential(*layers, nn.Flatten())
        self.classifier = nn.Sequential(nn.Linear(48 * 16, 64), nn.ReLU(), nn.Linear(64, 10))
        self.regressor = nn.Sequential(nn.Linear(48 * 16, 64), nn.ReLU(), nn.Linear(64, 4), nn.Sigmoid())

    def forward(self, x):
        features = self.backbone(x)
        return self.classifier(features), self.regressor(features)


def box_loss(pred, target, size):
    return F.smooth_l1_loss(pred, target, beta=2 / size)


def iou(a, b):
    top_left, bottom_right = torch.max(a[:, :2], b[:, :2]), torch.min(a[:, 2:], b[:, 2:])
    inter = (bottom_right - top_left).clamp(min=0).prod(1)
    area = (a[:, 2:] - a[:, :2]).clamp(min=0).prod(1) + (b[:, 2:] - b[:, :2]).prod(1)
    return inter / (area - inter)


def evaluate(model, loader, device):
    model.eval()
    correct, overlaps = 0, []
    with torch.no_grad():
        for pictures, labels, boxes in loader:
            logits, pred = model(pictures.to(device))
            correct += (logits.argmax(1).cpu() == labels).sum().item()
            overlaps.append(iou(pred.cpu(), boxes))
    return correct / len(loader.dataset), torch.cat(overlaps).mean().item()


def main(cfg):
    torch.manual_seed(cfg.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    data = load_digits()
    train_set = Canvases(data.images[:1400], data.target[:1400], cfg.canvas, seed=1)
    test_set = Canvases(data.images[1400:], data.target[1400:], cfg.canvas, seed=2)
    train_loader = DataLoader(train_set, batch_size=cfg.batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=200)
    model = Detector().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=cfg.lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, cfg.epochs)
    for epoch in range(cfg.epochs):
        model.train()
        sums = np.zeros(2)
        for pictures, labels, boxes in train_loader:
            pictures, labels, boxes = pictures.to(device), labels.to(device), boxes.to(device)
            logits, pred = model(pictures)
            class_loss = F.cross_entropy(logits, labels)
            location_loss = box_loss(pred, boxes, cfg.canvas)
            loss = class_loss + cfg.box_weight * location_loss
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            sums += (class_loss.item(), location_loss.item())
        scheduler.step()
        accuracy, overlap = evaluate(model, test_loader, device)
        sums /= len(train_loader)
        print(f"epoch {epoch}: class {sums[0]:.3f} box {sums[1]:.4f}  test accuracy {accuracy:.4f} iou {overlap:.4f}")


if __name__ == "__main__":
    main(Config())
