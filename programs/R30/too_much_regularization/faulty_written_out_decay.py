"""Digits by a small convolutional network whose momentum and weight decay are written out."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
digits = load_digits()
X = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
y = torch.tensor(digits.target)
train = DataLoader(TensorDataset(X[:1400], y[:1400]), batch_size=50, shuffle=True)
val = DataLoader(TensorDataset(X[1400:], y[1400:]), batch_size=100)
net = nn.Sequential(nn.Conv2d(1, 16, 3), nn.ReLU(), nn.Conv2d(16, 16, 3), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
velocity = [torch.zeros_like(p) for p in net.parameters()]


def update(lr=0.02, momentum=0.9, decay=0.5):
    with torch.no_grad():
        for p, v in zip(net.parameters(), velocity):
            v.mul_(momentum).add_(p.grad + decay * p)
            p -= lr * v


for epoch in range(8):
    net.train()
    for xb, yb in train:
        loss = nn.functional.cross_entropy(net(xb), yb)
        loss.backward()
        update()
        net.zero_grad()
    net.eval()
    with torch.no_grad():
        right = sum((net(xb).argmax(1) == yb).sum().item() for xb, yb in val)
    print(f"epoch {epoch}: loss {loss.item():.4f} validation accuracy {right / 397:.4f}")
