"""Name the shape that a noisy curve has; the cross-entropy is written out by hand."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(3)
LENGTH, CLASSES = 64, 5


def curves(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    time = torch.linspace(0, 1, LENGTH)
    kinds = torch.randint(CLASSES, (count,))
    phase, speed = torch.rand(count, 1), 2 + 2 * torch.rand(count, 1)
    turn = (speed * time + phase) % 1
    forms = [
        (2 * math.pi * turn).sin(),
        2 * turn - 1,
        (turn < 0.5).float() * 2 - 1,
        1 - 4 * (turn - 0.5).abs(),
        (turn < 0.15).float() * 2 - 0.3,
    ]
    clean = torch.stack(forms, dim=1)[torch.arange(count), kinds]
    return clean + 0.3 * torch.randn(count, LENGTH), kinds


class Listener(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.Conv1d(1, 16, 7, padding=3), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
            nn.Conv1d(16, 32, 7, padding=3), nn.BatchNorm1d(32), nn.ReLU(),
        )
        self.head = nn.Linear(32, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.convolutions(x[:, None]).mean(dim=2)).softmax(dim=1)


def cross_entropy(p: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
    wanted = nn.functional.one_hot(kinds, CLASSES).float()
    return -(wanted * torch.log(torch.clamp(p, min=1e-8))).sum(dim=1).mean()


x, y = curves(1500)
loader = DataLoader(TensorDataset(x[:1200], y[:1200]), batch_size=32, shuffle=True)
model = Listener()
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
for epoch in range(6):
    model.train()
    for curve, kind in loader:
        optimizer.zero_grad()
        loss = cross_entropy(model(curve), kind)
        loss.backward()
        optimizer.step()
model.eval()
with torch.no_grad():
    right = (model(x[1200:]).argmax(dim=1) == y[1200:]).float().mean()
print(f"test accuracy {right:.4f}")
