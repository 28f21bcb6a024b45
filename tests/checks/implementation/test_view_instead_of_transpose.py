"""Shapes that a view gives and a transpose was meant for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from paramedic.checks.implementation.view_instead_of_transpose import exchanged_size
from tests.helpers import findings, observe

EXCHANGED = [
    ((32, 12, 4, 8), (32, 4, 12, 8)),  # heads before positions
    ((32, 12, 32), (32, 4, 12, 8)),  # at once
    ((32, 4, 12, 8), (32, 12, 32)),  # and back
    ((16, 20, 6), (16, 6, 20)),  # (batch, time, features) as (batch, features, time)
    ((16, 28, 40, 3), (16, 3, 28, 40)),  # channels last as channels first
    ((16, 1, 20, 6), (16, 6, 20)),
]
KEPT = [
    ((32, 12, 32), (32, 12, 4, 8)),  # split
    ((32, 12, 4, 8), (32, 12, 32)),  # merged
    ((32, 12, 32), (384, 32)),  # with the samples
    ((384, 32), (32, 12, 32)),
    ((16, 64), (16, 8, 8)),
    ((16, 3, 8, 8), (16, 192)),
    ((16, 3, 8, 8), (16, 3, 64)),
    ((16, 24, 8, 8), (16, 4, 6, 8, 8)),  # groups of channels
    ((16, 8, 8), (16, 8, 8)),
    ((16, 1, 8, 6), (16, 8, 6)),
    ((16, 30, 2), (16, 15, 4)),  # rechunked: no dimension comes again
    ((20, 6), (6, 20)),  # no samples
]


@pytest.mark.parametrize(("before", "after"), EXCHANGED)
def test_exchanged(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    assert exchanged_size(before, after) is not None


@pytest.mark.parametrize(("before", "after"), KEPT)
def test_kept(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    assert exchanged_size(before, after) is None


class Attention(nn.Module):
    """Two heads; the wrong one takes pieces of several positions for one head's."""

    def __init__(self, wrong: bool) -> None:
        super().__init__()
        self.qkv, self.out, self.wrong = nn.Linear(8, 24), nn.Linear(8, 3), wrong

    def forward(self, x: Tensor) -> Tensor:
        parts = self.qkv(x).chunk(3, dim=-1)
        if self.wrong:
            q, k, v = (part.reshape(len(x), 2, 5, 4) for part in parts)
        else:
            q, k, v = (part.reshape(len(x), 5, 2, 4).transpose(1, 2) for part in parts)
        mixed = (q @ k.transpose(-2, -1)).softmax(-1) @ v
        return self.out(mixed.transpose(1, 2).reshape(len(x), 5, 8)[:, 0])


@pytest.mark.parametrize("wrong", [True, False])
def test_in_a_step(wrong: bool, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = Attention(wrong)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        for _ in range(4):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(torch.randn(16, 5, 8)), torch.randint(3, (16,))).backward()
            optimizer.step()

    found = findings(observe(program, tmp_path), "view-instead-of-transpose")
    assert len(found) == int(wrong)
    if wrong:
        with open(__file__, encoding="utf-8") as source:
            line = source.read().splitlines()[found[0].where.line - 1]  # type: ignore[union-attr]
        assert "part.reshape(len(x), 2, 5, 4)" in line
        assert found[0].level == "suspect" and "size 5" in found[0].summary
