"""A training in a function, with its parts to be replaced: what the tests of experiments observe."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn


def train(
    *,
    rate: float = 0.1,
    epochs: int = 8,
    scale: float = 1.0,
    offset: float = 0.0,
    decay: float = 0.0,
    batch: int = 32,
    make: Callable[[], nn.Module] | None = None,
    edit: Callable[[nn.Module], None] | None = None,
) -> nn.Module:
    """Three classes, ten features, SGD: learned in the whole run as it stands."""
    torch.manual_seed(0)
    labels = torch.arange(480) % 3
    inputs = (torch.randn(3, 10)[labels] + 0.5 * torch.randn(480, 10)) * scale + offset
    model = make() if make else nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
    if edit:
        edit(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=rate, weight_decay=decay)
    for _ in range(epochs):
        for rows in torch.randperm(480).split(batch):
            loss = nn.functional.cross_entropy(model(inputs[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model
