"""Fresh weights are told from trained ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from paramedic.measurements.training.freshness import looks_fresh

INITIALIZATIONS: list[Callable[[Tensor], object]] = [
    nn.init.kaiming_uniform_,
    nn.init.kaiming_normal_,
    nn.init.xavier_normal_,
    nn.init.orthogonal_,
    nn.init.zeros_,
    lambda weight: nn.init.trunc_normal_(weight, std=0.02),
]


@pytest.mark.parametrize("initialize", INITIALIZATIONS)
@pytest.mark.parametrize("shape", [(64, 64), (10, 128), (16, 3, 3, 3)])
def test_fresh(initialize: Callable[[Tensor], object], shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    weights = [torch.empty(shape) for _ in range(5)]
    for weight in weights:
        initialize(weight)
    assert sum(looks_fresh(weight) is False for weight in weights) <= 1


def test_trained() -> None:
    torch.manual_seed(0)
    x = torch.randn(256, 16) @ torch.randn(16, 16)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    model = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    assert looks_fresh(model[0].weight) is False


def test_too_small_or_of_another_kind() -> None:
    assert looks_fresh(torch.randn(8)) is None
    assert looks_fresh(torch.randn(2, 3)) is None
    assert looks_fresh(torch.ones(64, 64, dtype=torch.long)) is None
    assert looks_fresh(torch.full((64, 64), float("nan"))) is None
