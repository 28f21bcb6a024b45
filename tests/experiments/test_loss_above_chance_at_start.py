"""A note for outputs on another scale than the targets; nothing for an ordinary start."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.helpers import findings, observe

NAME = "loss-above-chance-at-start"


def _regression(offset: float) -> None:
    torch.manual_seed(0)
    x = torch.randn(128, 4)
    y = x.sum(1, keepdim=True) + offset
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(20):
        rows = slice(32 * (step % 4), 32 * (step % 4) + 32)
        loss = nn.functional.mse_loss(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_targets_far_from_zero_are_a_note(tmp_path: Path) -> None:
    found = findings(observe(lambda: _regression(40.0), tmp_path, budget=20), NAME)
    assert [item.level for item in found] == ["note"]
    assert found[0].where is not None


def test_an_ordinary_start_is_silent(tmp_path: Path) -> None:
    assert findings(observe(lambda: _regression(0.0), tmp_path, budget=20), NAME) == []


def _classes(times: float, steps: int = 20) -> None:
    torch.manual_seed(0)
    x = torch.randn(128, 4)
    y = x.argmax(1)
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 5))
    with torch.no_grad():
        model[2].weight *= times
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        rows = torch.randperm(128)[:32]
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(("steps", "level"), [(20, "suspect"), (1500, "note")])
def test_a_network_that_is_sure_at_once(steps: int, level: str, tmp_path: Path) -> None:
    """A suspect where training has not got over it; else a note."""
    (found,) = findings(observe(lambda: _classes(60.0, steps), tmp_path, budget=20), NAME)
    assert found.level == level and "outputs of zero would lose 1.609" in found.summary  # ln 5


def test_classes_at_chance_are_silent(tmp_path: Path) -> None:
    assert findings(observe(lambda: _classes(1.0), tmp_path, budget=20), NAME) == []
