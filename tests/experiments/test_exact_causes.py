"""Symmetric and zero weights, dead units, ignored inputs: deterministic facts, and their look-alikes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from paramedic.diagnosis.ranking import rank
from tests.experiments.programs import train
from tests.helpers import findings, observe

NAMES = ("symmetric-initialization", "zero-initialization", "dead-units", "input-ignored")


def constant(model: nn.Module) -> None:
    nn.init.constant_(model[0].weight, 0.02)
    nn.init.zeros_(model[0].bias)
    nn.init.constant_(model[2].weight, 0.02)


def zero(model: nn.Module) -> None:
    for parameter in model.parameters():
        nn.init.zeros_(parameter)


def zero_last(model: nn.Module) -> None:
    nn.init.zeros_(model[2].weight)


def dead(model: nn.Module) -> None:
    nn.init.constant_(model[0].bias, -50.0)


class Ignores(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(10, 32), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.first(torch.zeros_like(x))))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("symmetric-initialization", {"edit": constant}),
        ("zero-initialization", {"edit": zero}),
        ("dead-units", {"edit": dead}),
        ("input-ignored", {"make": Ignores}),
    ],
)
def test_fires(name: str, settings: dict, tmp_path: Path) -> None:
    found = findings(observe(lambda: train(**settings), tmp_path), *NAMES)
    assert [item.check for item in rank(found)] == [name]


@pytest.mark.parametrize("settings", [{}, {"edit": zero_last}, {"make": lambda: nn.Linear(10, 3)}])
def test_silent_on_look_alikes(settings: dict, tmp_path: Path) -> None:
    assert findings(observe(lambda: train(**settings), tmp_path), *NAMES) == []
