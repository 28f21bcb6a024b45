"""Units that died on the way are suspected only where training gets further when they have a gradient."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from tests.helpers import findings, observe


def train(learnable: bool) -> None:
    """Most hidden units die in the middle of training, and the rest cannot hold what is left to be learned, if anything is."""
    torch.manual_seed(0)
    x = torch.randn(512, 2)
    angle = torch.atan2(x[:, 1], x[:, 0])
    labels = (torch.sin(2 * angle) > 0).long() if learnable else torch.randint(0, 2, (512,))
    model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-1 if learnable else 3e-2)
    for step in range(80):
        if step == 40:
            with torch.no_grad():
                model[0].bias[:30] = -1.5
                model[0].weight[:30] *= 0.1
        batch = torch.randperm(512)[:64]
        loss = nn.functional.cross_entropy(model(x[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_units_that_are_missed(tmp_path: Path) -> None:
    (found,) = findings(observe(lambda: train(learnable=True), tmp_path, budget=30), "dead-units")
    assert found.level == "suspect" and "30 of 32 units" in found.summary and "with leaky rectifiers" in found.summary


def test_units_that_nobody_misses(tmp_path: Path) -> None:
    assert findings(observe(lambda: train(learnable=False), tmp_path, budget=30), "dead-units") == []
