"""Layers without an activation between them are one linear function, which matters where that cannot do the task."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from paramedic.diagnosis.examine import examine
from paramedic.experiments.network_too_small import NetworkTooSmall, affine_model
from tests.helpers import observe


def convolutions(between: type[nn.Module]) -> nn.Module:
    return nn.Sequential(
        nn.Conv1d(1, 6, 5, padding=2), between(), nn.Conv1d(6, 6, 5, stride=2), between(), nn.Flatten(), nn.Linear(36, 2)
    )


def train(model: nn.Module, curved: bool) -> None:
    """Is the signal loud (curved), or does it rise?"""
    torch.manual_seed(1)
    x = torch.randn(800, 1, 16)
    y = (x.square().sum((1, 2)) > 16).long() if curved else (x.sum((1, 2)) > 0).long()
    x = x * (1 + y[:, None, None]) if curved else x
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for rows in torch.cat([torch.randperm(800) for _ in range(4)]).split(32):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(
    ("between", "curved", "affine", "found"),
    [
        (nn.Identity, True, True, True),
        (nn.Identity, False, True, False),  # linear is enough
        (nn.ReLU, True, False, False),
    ],
)
def test_no_activation(tmp_path: Path, between: type[nn.Module], curved: bool, affine: bool, found: bool) -> None:
    torch.manual_seed(0)
    case = observe(lambda: train(convolutions(between), curved), tmp_path, budget=15)
    assert (affine_model(case) is not None) is affine
    said, _, errors = examine(case, checks=[NetworkTooSmall])
    assert not errors, errors
    assert [item.level for item in said] == (["fault"] if found else [])
    assert all("no activation" in item.summary for item in said)
