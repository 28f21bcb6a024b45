"""Layers that are frozen with a shallow copy of the model are found; with a deep copy nothing is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from tests.helpers import findings, observe

NAME = "frozen-parameters"


class Student(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.Sequential(nn.Linear(6, 4), nn.Tanh()), nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x))


def train(copied: Callable[[nn.Module], nn.Module]) -> None:
    torch.manual_seed(2)
    labels = torch.arange(240) % 3
    inputs = torch.randn(3, 6)[labels] + 0.7 * torch.randn(240, 6)
    model = Student()
    first = copied(model)
    for parameter in first.body.parameters():  # type: ignore[union-attr]
        parameter.requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for step in range(60):
        rows = torch.arange(40) + 40 * (step % 6)
        with torch.no_grad():
            before = first(inputs[rows])
        output = model(inputs[rows])
        loss = functional.cross_entropy(output, labels[rows]) + 1e-3 * functional.mse_loss(output, before)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_a_shallow_copy(tmp_path: Path) -> None:
    [finding] = findings(observe(lambda: train(copy.copy), tmp_path, budget=10.0), NAME)
    assert finding.level == "fault" and "copy.deepcopy" in finding.summary


def test_a_deep_copy_passes(tmp_path: Path) -> None:
    assert findings(observe(lambda: train(copy.deepcopy), tmp_path, budget=10.0), NAME) == []
