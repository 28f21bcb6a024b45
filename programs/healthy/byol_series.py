"""Self-supervised features of series without negatives (BYOL), judged by a nearest-neighbour classifier."""
import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(41)


def series(count, length=64):
    kind = torch.randint(4, (count,))
    t = torch.arange(length)
    period = torch.tensor([7.0, 11.0, 17.0, 11.0])[kind][:, None] * (1 + 0.1 * torch.randn(count, 1))
    angle = 2 * math.pi * t / period + 6.3 * torch.rand(count, 1)
    square = (kind == 3)[:, None]
    return torch.where(square, torch.sign(torch.sin(angle)), torch.sin(angle)) + 0.3 * torch.randn(count, length), kind


def view(x):
    shift = int(torch.randint(0, 64, ()))
    return (0.7 + 0.6 * torch.rand(len(x), 1)) * x.roll(shift, 1) + 0.2 * torch.randn_like(x)


def head(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 48), nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, outputs))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv1d(1, 24, 9, padding=4), nn.BatchNorm1d(24), nn.ReLU(),
            nn.Conv1d(24, 32, 9, padding=4, stride=2), nn.BatchNorm1d(32), nn.ReLU(), nn.AdaptiveAvgPool1d(1),
        )  # fmt: skip
        self.projector = head(32, 24)

    def features(self, x):
        return self.conv(x[:, None]).flatten(1)

    def forward(self, x):
        return self.projector(self.features(x))


online, predictor = Encoder(), head(24, 24)
target = copy.deepcopy(online).requires_grad_(False)
optimizer = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=2e-3, weight_decay=1e-4)
x, kind = series(1000)
x_test, kind_test = series(300)
for epoch in range(10):
    online.train()
    for rows in torch.randperm(len(x)).split(100):
        first, second = view(x[rows]), view(x[rows])
        loss = 0.0
        for one, other in ((first, second), (second, first)):
            with torch.no_grad():
                goal = target(other)
            loss = loss + 2 - 2 * F.cosine_similarity(predictor(online(one)), goal).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
                slow.lerp_(fast, 0.02)
    online.eval()
    with torch.no_grad():
        known, asked = F.normalize(online.features(x)), F.normalize(online.features(x_test))
        nearest = kind[(asked @ known.T).topk(5).indices].mode(1).values
    print(f"epoch {epoch} loss {loss.item():.4f} neighbours agree {(nearest == kind_test).float().mean().item():.4f}")
