"""Recognize an activity from windows of a nine-channel accelerometer."""
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset

ACTIVITIES = {"walk": (1.8, 1.0), "up": (1.5, 1.15), "down": (2.1, 1.15), "sit": (0.1, 0.2), "stand": (0.1, 0.25), "lie": (0.05, 0.15)}


def windows(n, seed, length=64):
    rng = np.random.default_rng(seed)
    time = np.arange(length) / 20
    labels = rng.integers(0, len(ACTIVITIES), n)
    tilt = np.random.default_rng(99).normal(0, 0.7, (len(ACTIVITIES), 9))
    data = np.empty((n, 9, length), dtype=np.float32)
    for i, label in enumerate(labels):
        rate, strength = list(ACTIVITIES.values())[label]
        phase = rng.uniform(0, 2 * np.pi, (9, 1))
        wave = strength * np.sin(2 * np.pi * rate * rng.normal(1, 0.06) * time + phase)
        data[i] = wave + tilt[label][:, None] * rng.normal(1, 0.3) + rng.normal(0, 0.6, (9, length))
    return TensorDataset(torch.from_numpy(data), torch.from_numpy(labels))


def conv_block(inputs, outputs):
    return nn.Sequential(nn.Conv1d(inputs, outputs, 5, padding=2), nn.BatchNorm1d(outputs), nn.ReLU(), nn.MaxPool1d(2))


def dense_block(sizes, last):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:], strict=True):
        layers += [nn.Linear(a, b), nn.ReLU()]
    layers[-1] = last
    return nn.Sequential(nn.Flatten(), *layers)


def build(n_class):
    features = nn.Sequential(conv_block(9, 16), conv_block(16, 16))
    classifier = dense_block([16 * 16, 64, 32, n_class], last=nn.Identity())
    return nn.Sequential(features, nn.Sequential(nn.Dropout(0.1), classifier))


def evaluate(model, loader):
    model.eval()
    correct = total = 0
    with torch.no_grad():
        for sample, target in loader:
            _, predicted = torch.max(model(sample).data, 1)
            total += target.size(0)
            correct += (predicted == target).sum().item()
    return 100.0 * correct / total


torch.manual_seed(10)
train_loader = DataLoader(windows(896, 0), batch_size=64, shuffle=True)
test_loader = DataLoader(windows(400, 1), batch_size=64)
model = build(len(ACTIVITIES))
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
for e in range(10):
    model.train()
    for sample, target in train_loader:
        output = model(sample)
        loss = criterion(output, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"Epoch: [{e + 1}/10], loss: {loss.item():.4f}, test acc: {evaluate(model, test_loader):.2f}%")
