"""Bearing fault classification from raw vibration, 1D CNN.
4 classes: healthy, inner race, outer race, ball.
"""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

SEGMENT = 512
FS = 12000
FAULT_HZ = [0.0, 162.0, 107.0, 141.0]


def synth_recording(cls, seconds, rng):
    """One long recording of the test rig, with shaft rotation and noise."""
    n = int(seconds * FS)
    t = np.arange(n) / FS
    x = 0.4 * np.sin(2 * np.pi * 30 * t + rng.uniform(0, 6.28)) + rng.normal(0, 0.35, n)
    if cls > 0:
        period = FS / FAULT_HZ[cls]
        ring = np.exp(-np.arange(160) / 25.0) * np.sin(2 * np.pi * (1800 + 700 * cls) * np.arange(160) / FS)
        pos = rng.uniform(0, period)
        while pos + 160 < n:
            i = int(pos)
            x[i:i + 160] += rng.uniform(0.8, 1.4) * ring
            pos += period * rng.normal(1.0, 0.01)
    return x.astype(np.float32)


class VibrationSegments(Dataset):
    """Cuts the recordings into segments. A work buffer avoids an allocation per segment."""

    def __init__(self, recordings, labels, hop=256):
        self.recordings = recordings
        self.labels = labels
        self.index = []
        for r, rec in enumerate(recordings):
            for start in range(0, len(rec) - SEGMENT, hop):
                self.index.append((r, start))
        self.buffer = np.empty((1, SEGMENT), dtype=np.float32)

    def __len__(self):
        return len(self.index)

    def __getitem__(self, i):
        r, start = self.index[i]
        np.copyto(self.buffer[0], self.recordings[r][start:start + SEGMENT])
        self.buffer -= self.buffer.mean()
        self.buffer /= self.buffer.std() + 1e-6
        return torch.from_numpy(self.buffer.copy()), self.labels[r]


class WideCNN(nn.Module):
    def __init__(self, classes=4):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 16, 32, stride=4, padding=14)
        self.bn1 = nn.BatchNorm1d(16)
        self.conv2 = nn.Conv1d(16, 32, 5, padding=2)
        self.bn2 = nn.BatchNorm1d(32)
        self.fc = nn.Linear(32, classes)

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.bn1(self.conv1(x))), 2)
        x = F.max_pool1d(F.relu(self.bn2(self.conv2(x))), 2)
        return self.fc(x.mean(-1))


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    good = total = 0
    for x, y in loader:
        good += (model(x).argmax(1) == y).sum().item()
        total += len(y)
    return good / total


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--batch-size", type=int, default=32)
    args = p.parse_args()

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    train_rec, train_y, test_rec, test_y = [], [], [], []
    for cls in range(4):
        for _ in range(5):
            train_rec.append(synth_recording(cls, 2.0, rng)); train_y.append(cls)
        for _ in range(2):
            test_rec.append(synth_recording(cls, 1.5, rng)); test_y.append(cls)

    train_loader = DataLoader(VibrationSegments(train_rec, train_y), args.batch_size, shuffle=True, drop_last=True)
    test_loader = DataLoader(VibrationSegments(test_rec, test_y, hop=SEGMENT), 64, shuffle=True)
    print("segments:", len(train_loader.dataset), "train,", len(test_loader.dataset), "test")

    model = WideCNN()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        model.train()
        running = 0.0
        for x, y in train_loader:
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            optimizer.step()
            running += loss.item()
        print(f"epoch {epoch}: loss {running / len(train_loader):.4f}, test accuracy {accuracy(model, test_loader):.3f}")


if __name__ == "__main__":
    main()
