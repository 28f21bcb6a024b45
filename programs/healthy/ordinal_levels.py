"""Ordinal regression: one score, four increasing thresholds, and a target that says which of them are passed."""
import numpy as np
import torch
from torch import nn

rng = np.random.default_rng(33)
torch.manual_seed(33)
n = 2500
x = rng.standard_normal((n, 7))
latent = 1.5 * x[:, 0] + np.abs(x[:, 1]) * 1.2 - x[:, 2] * x[:, 3] + 0.5 * rng.logistic(size=n)
grade = np.digitize(latent, np.quantile(latent, [0.15, 0.4, 0.7, 0.9]))
features = torch.tensor(x, dtype=torch.float32)
grade = torch.tensor(grade)


class Ordinal(nn.Module):
    def __init__(self):
        super().__init__()
        self.score = nn.Sequential(nn.Linear(7, 48), nn.SiLU(), nn.Linear(48, 24), nn.SiLU(), nn.Linear(24, 1, bias=False))
        self.start = nn.Parameter(torch.tensor(-1.5))
        self.gaps = nn.Parameter(torch.zeros(3))

    def forward(self, inputs):
        gaps = nn.functional.softplus(self.gaps)
        thresholds = self.start + torch.cat([torch.zeros(1), gaps.cumsum(0)])
        return self.score(inputs) - thresholds


def passed(grades):
    return (grades[:, None] > torch.arange(4)).float()


model = Ordinal()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-4)
for epoch in range(20):
    if epoch in (12, 17):
        for group in optimizer.param_groups:
            group["lr"] *= 0.3
    for rows in torch.randperm(2000).split(50):
        loss = nn.functional.binary_cross_entropy_with_logits(model(features[rows]), passed(grade[rows]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 4 == 3:
        with torch.no_grad():
            guess = (model(features[2000:]) > 0).sum(1)
        distance = (guess - grade[2000:]).abs().float()
        print(
            f"epoch {epoch + 1} loss {loss.item():.4f} exact {(distance == 0).float().mean().item():.4f} "
            f"mean distance {distance.mean().item():.4f}"
        )
