"""Reuse a digit recogniser on photographed forms: its body stays as it is, a new last layer learns from a few labelled fields."""
import copy

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter, shift
from sklearn.datasets import load_digits
from torch import nn

MEAN, STD = 0.31, 0.37


class Recogniser(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(),
            nn.Conv2d(24, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1), nn.BatchNorm2d(48), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(),
        )
        self.classifier = nn.Linear(48 * 4, classes)

    def forward(self, x):
        return self.classifier(self.body(x))


def train_recogniser(images, targets, epochs=10):
    x = (torch.tensor(images, dtype=torch.float32).unsqueeze(1) / 16 - MEAN) / STD
    y = torch.tensor(targets)
    net = Recogniser()
    opt = torch.optim.Adam(net.parameters(), lr=2e-3)
    for epoch in range(epochs):
        for i in torch.randperm(len(x)).split(64):
            loss = F.cross_entropy(net(x[i] + 0.1 * torch.randn_like(x[i])), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
    print(f"recogniser: last loss {loss.item():.4f}")
    return copy.deepcopy(net.state_dict())


def photograph(images, rng):
    """Dark ink on bright paper, bytes, with some blur, shade and noise."""
    pages = []
    for image in images:
        ink = shift(gaussian_filter(image / 16, 0.4), rng.uniform(-0.4, 0.4, 2), order=1)
        shade = np.linspace(0, rng.uniform(-25, 25), 8)
        pages.append(rng.uniform(215, 245) - rng.uniform(150, 190) * ink + shade + rng.normal(0, 8, ink.shape))
    return np.clip(np.stack(pages), 0, 255).astype(np.uint8)


def to_input(pages):
    x = torch.from_numpy(pages).float().unsqueeze(1)
    x = x / 255
    return (x - MEAN) / STD


def main():
    rng = np.random.default_rng(41)
    torch.manual_seed(41)
    digits = load_digits()
    order = rng.permutation(len(digits.target))
    images, targets = digits.images[order], digits.target[order]
    weights = train_recogniser(images[:1000], targets[:1000])

    few, rest = slice(1000, 1060), slice(1060, None)
    x, y = to_input(photograph(images[few], rng)), torch.tensor(targets[few])
    x_test, y_test = to_input(photograph(images[rest], rng)), torch.tensor(targets[rest])

    net = Recogniser()
    net.load_state_dict(weights)
    net.body.requires_grad_(False)
    nn.init.zeros_(net.classifier.weight)
    opt = torch.optim.SGD(net.classifier.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3)
    for epoch in range(60):
        net.train()
        net.body.eval()
        for i in torch.randperm(len(x)).split(20):
            loss = F.cross_entropy(net(x[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
        if epoch % 15 == 14:
            net.eval()
            with torch.no_grad():
                acc = (net(x_test).argmax(1) == y_test).float().mean().item()
            print(f"epoch {epoch + 1} loss {loss.item():.4f} accuracy on {len(y_test)} other fields {acc:.4f}")


if __name__ == "__main__":
    main()
