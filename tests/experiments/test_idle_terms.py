"""Terms of the loss that have no effect on training."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import findings, observe

CHECK = "penalty-without-gradient"


def train(term: Callable[[nn.Module, Tensor], Tensor]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(12):
        x = torch.randn(32, 6)
        output = model(x)
        loss = (output - x[:, :1]).square().mean() + term(model, output)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def number(model: nn.Module, output: Tensor) -> Tensor:
    return 0.01 * torch.tensor(sum(p.abs().sum().item() for p in model.parameters()), requires_grad=True)


def detached(model: nn.Module, output: Tensor) -> Tensor:
    return output.detach().square().mean()


def penalty(model: nn.Module, output: Tensor) -> Tensor:
    return 0.01 * sum(p.abs().sum() for p in model.parameters())


def activity(model: nn.Module, output: Tensor) -> Tensor:
    return 0.1 * output.square().mean()


def straight_through(model: nn.Module, output: Tensor) -> Tensor:
    return activity(model, output) - activity(model, output).detach()


@pytest.mark.parametrize(("term", "level"), [(number, "fault"), (detached, "suspect")])
def test_idle(term: Callable[[nn.Module, Tensor], Tensor], level: str, tmp_path: Path) -> None:
    (found,) = findings(observe(lambda: train(term), tmp_path), CHECK)
    assert found.level == level and found.where is not None
    assert found.where.function in ("train", term.__name__)


@pytest.mark.parametrize("term", [penalty, activity, straight_through])
def test_at_work(term: Callable[[nn.Module, Tensor], Tensor], tmp_path: Path) -> None:
    assert findings(observe(lambda: train(term), tmp_path), CHECK) == []
