"""ResNet with mixup, label smoothing and a one-cycle rate of up to 0.6; the best averaged weights are kept."""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader, TensorDataset


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x):
        return F.relu(x + self.body(x))


def build(width=24):
    return nn.Sequential(
        nn.Conv2d(1, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        Residual(width), nn.MaxPool2d(2), Residual(width), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Linear(4 * width, 10),
    )  # fmt: skip


def mixup(x, y, alpha):
    lam = torch.distributions.Beta(alpha, alpha).sample()
    index = torch.randperm(len(x))
    return lam * x + (1 - lam) * x[index], y, y[index], lam


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--max-lr", type=float, default=0.6)
    parser.add_argument("--alpha", type=float, default=0.4)
    parser.add_argument("--smoothing", type=float, default=0.1)
    args = parser.parse_args()
    torch.manual_seed(31)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    X, y = load_digits(return_X_y=True)
    X = torch.tensor(X, dtype=torch.float32).view(-1, 1, 8, 8) / 8 - 0.6
    y = torch.tensor(y)
    order = torch.randperm(len(X))
    train = TensorDataset(X[order[:1300]], y[order[:1300]])
    loader = DataLoader(train, batch_size=65, shuffle=True)
    X_test, y_test = X[order[1300:]].to(device), y[order[1300:]].to(device)

    model = build().to(device)
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.95))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, nesterov=True, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.max_lr, epochs=args.epochs, steps_per_epoch=len(loader)
    )
    for epoch in range(args.epochs):
        model.train()
        total = 0.0
        for images, labels in loader:
            images, labels = images.to(device), labels.to(device)
            mixed, first, second, lam = mixup(images, labels, args.alpha)
            logits = model(mixed)
            loss = lam * F.cross_entropy(logits, first, label_smoothing=args.smoothing) + (
                1 - lam
            ) * F.cross_entropy(logits, second, label_smoothing=args.smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            averaged.update_parameters(model)
            total += loss.item()
        model.eval()
        with torch.no_grad():
            accuracy = (model(X_test).argmax(1) == y_test).float().mean().item()
        print(f"epoch {epoch} mixup loss {total / len(loader):.3f} test accuracy {accuracy:.4f}")
    update_bn(loader, averaged, device=device)
    averaged.eval()
    with torch.no_grad():
        print(f"averaged weights: {(averaged(X_test).argmax(1) == y_test).float().mean().item():.4f}")


if __name__ == "__main__":
    main()
