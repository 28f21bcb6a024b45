"""Tell chirps that rise from chirps that fall, and both from plain tones."""
import math

import torch
from torch import nn


def chirps(n, length=64):
    t = torch.linspace(0, 1, length)
    kind = torch.randint(3, (n,))
    slope = (kind - 1).float().unsqueeze(1) * (3 + 2 * torch.rand(n, 1))
    start = torch.where(slope < 0, 8.0, 3.0) + 2 * torch.rand(n, 1) + torch.where(slope == 0, 2.0, 0.0)
    phase = start * t + slope * t**2 / 2 + torch.rand(n, 1)
    waves = torch.sin(2 * math.pi * phase) + 0.5 * torch.randn(n, length)
    return waves.unsqueeze(1), kind


def build():
    encoder = nn.Sequential(
        nn.Conv1d(1, 4, 9, padding=4),
        nn.ReLU(),
        nn.MaxPool1d(4),
        nn.Conv1d(4, 4, 5, padding=2),
        nn.ReLU(),
        nn.AdaptiveAvgPool1d(4),
        nn.Flatten(),
    )
    head = nn.Sequential(nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 3))
    return encoder, head


def main():
    torch.manual_seed(0)
    x_train, y_train = chirps(1200)
    x_val, y_val = chirps(300)
    encoder, head = build()
    model = nn.Sequential(encoder, head)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        [
            {"params": encoder.parameters(), "weight_decay": 1e-4},
            {"params": head.parameters(), "weight_decay": 1e-3},
        ],
        lr=0.02,
        momentum=0.9,
    )
    for epoch in range(12):
        for batch in torch.randperm(1200).split(40):
            loss = criterion(model(x_train[batch]), y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            accuracy = (model(x_val).argmax(1) == y_val).float().mean().item()
        print(f"epoch {epoch}: loss {loss.item():.4f}, val accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
