"""A mean over the batch that is divided by its rows again: found where it hurts, a note where it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.helpers import findings, observe

NAME = "mean-loss-divided-again"


def train(loss_of: Callable[[Tensor, Tensor], Tensor], adam: bool = False, accumulate: int = 1) -> None:
    torch.manual_seed(0)
    y = torch.arange(240) % 3
    x = torch.randn(3, 6)[y] + 0.3 * torch.randn(240, 6)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02) if adam else torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(5):
        for number, rows in enumerate(torch.randperm(240).split(32)):
            loss_of(model(x[rows]), y[rows]).backward()
            if (number + 1) % accumulate == 0:
                optimizer.step()
                optimizer.zero_grad()


def divided(logits: Tensor, y: Tensor) -> Tensor:
    return functional.cross_entropy(logits, y) / len(y)


def test_it_is_proven_where_the_run_fails(tmp_path: Path) -> None:
    (found,) = findings(observe(lambda: train(divided), tmp_path, budget=60), NAME)
    assert found.level == "fault" and found.proof is not None and found.proof.experiment == "learning-rate-x32"
    assert "chance is 1." in found.summary and found.where is not None and found.where.function == "divided"  # ln 3


def test_adam_does_not_mind(tmp_path: Path) -> None:
    (found,) = findings(observe(lambda: train(divided, adam=True), tmp_path, budget=60), NAME)
    assert found.level == "note" and found.proof is None


@pytest.mark.parametrize(
    ("loss_of", "accumulate"),
    [
        (functional.cross_entropy, 1),
        (lambda logits, y: functional.cross_entropy(logits, y, reduction="sum") / len(y), 1),
        (lambda logits, y: functional.cross_entropy(logits, y) / 4, 4),
        (lambda logits, y: functional.cross_entropy(logits, y) / 30, 1),
    ],
    ids=["mean", "sum over rows", "accumulated", "another number"],
)
def test_other_factors_are_left_alone(
    loss_of: Callable[[Tensor, Tensor], Tensor], accumulate: int, tmp_path: Path
) -> None:
    assert findings(observe(lambda: train(loss_of, accumulate=accumulate), tmp_path, budget=20), NAME) == []
