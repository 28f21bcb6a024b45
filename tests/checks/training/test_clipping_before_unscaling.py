"""Gradients clipped with a gradient scaler's factor on them, and the uses of scaler and clipping that are right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.helpers import findings, observe

CHECK = "clipping-before-unscaling"


def train(
    kind: Any = torch.optim.SGD, *, unscaled: bool = False, enabled: bool = True, factor: float = 2.0**16,
    limit: float = 0.5, by_value: bool = False,
) -> None:  # fmt: skip
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = kind(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=enabled, init_scale=factor)
    for _ in range(12):
        x, y = torch.randn(32, 8), torch.randint(3, (32,))
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        if unscaled:
            scaler.unscale_(optimizer)
        clip = nn.utils.clip_grad_value_ if by_value else nn.utils.clip_grad_norm_
        clip(model.parameters(), limit)
        scaler.step(optimizer)
        scaler.update()


@pytest.mark.parametrize("factor", [64.0, 2.0**10, 2.0**16])
def test_scaled_gradients_are_clipped(factor: float, tmp_path: Path) -> None:
    (found,) = findings(observe(lambda: train(factor=factor), tmp_path), CHECK)
    assert found.level == "fault" and found.where is not None and found.where.line == 33
    assert dict((item.name, item.value) for item in found.evidence)["factor on the gradients when they are clipped"] == factor


def test_adam_makes_the_same_steps(tmp_path: Path) -> None:
    (found,) = findings(observe(lambda: train(torch.optim.AdamW), tmp_path), CHECK)
    assert found.level == "note"


@pytest.mark.parametrize(
    "right",
    [{"unscaled": True}, {"enabled": False}, {"factor": 2.0}, {"limit": 1e9}, {"by_value": True}],
    ids=lambda item: next(iter(item)),
)
def test_sound(right: dict[str, Any], tmp_path: Path) -> None:
    assert findings(observe(lambda: train(**right), tmp_path), CHECK) == []


def test_a_replay_clips_as_the_program_did(tmp_path: Path) -> None:
    case = observe(train, tmp_path)
    curve = case.lab.train(steps=8)
    assert curve.losses == pytest.approx([record.loss for record in case.lab.backwards[:8]], rel=1e-6)
