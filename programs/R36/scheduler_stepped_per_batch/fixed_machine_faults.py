import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

CLASSES = ["ok", "imbalance", "bearing", "looseness"]
LENGTH = 128


def vibration(kind, rng):
    t = np.arange(LENGTH) / LENGTH
    f = rng.uniform(6, 10)
    x = np.sin(2 * np.pi * f * t + rng.uniform(0, 6.28))
    if kind == 1:
        x = 1.6 * x + 0.3 * np.sin(2 * np.pi * 2 * f * t)
    elif kind == 2:
        period = rng.integers(14, 22)
        hits = np.zeros(LENGTH)
        hits[rng.integers(0, period)::period] = 2.5
        x = x + np.convolve(hits, np.exp(-np.arange(8) / 2) * np.cos(np.arange(8) * 2), mode="same")
    elif kind == 3:
        x = x + 0.5 * np.sin(2 * np.pi * 0.5 * f * t) + 0.7 * np.sin(2 * np.pi * 3 * f * t)
    return x * rng.uniform(0.8, 1.2) + rng.normal(0, 0.5, LENGTH)


def make_dataset(n, seed):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, len(CLASSES), n)
    X = np.stack([vibration(k, rng) for k in y]).astype(np.float32)
    return TensorDataset(torch.from_numpy(X).unsqueeze(1), torch.from_numpy(y))


def build_net():
    return nn.Sequential(
        nn.Conv1d(1, 16, 9, padding=4), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(16, 32, 7, padding=3), nn.BatchNorm1d(32), nn.ReLU(), nn.MaxPool1d(2),
        nn.Conv1d(32, 32, 5, padding=2), nn.ReLU(), nn.AdaptiveAvgPool1d(1), nn.Flatten(),
        nn.Linear(32, len(CLASSES)),
    )


def evaluate(net, loader):
    net.eval()
    correct = total = 0
    with torch.no_grad():
        for x, y in loader:
            correct += (net(x).argmax(1) == y).sum().item()
            total += y.numel()
    return correct / total


def train(net, train_loader, val_loader, epochs=12):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=4, gamma=0.3)
    for epoch in range(epochs):
        net.train()
        losses = []
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        print(f"epoch {epoch + 1:2d} train loss {np.mean(losses):.4f} val acc {evaluate(net, val_loader):.3f}")


def main():
    torch.manual_seed(3)
    train_loader = DataLoader(make_dataset(1600, 0), batch_size=32, shuffle=True)
    val_loader = DataLoader(make_dataset(500, 1), batch_size=100)
    net = build_net()
    print("parameters:", sum(p.numel() for p in net.parameters()))
    train(net, train_loader, val_loader)
    print("validation accuracy", round(evaluate(net, val_loader), 3))


if __name__ == "__main__":
    main()
