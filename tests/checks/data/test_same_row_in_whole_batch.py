"""One array that is filled again for each row of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from paramedic.checks.finding import Finding
from tests.helpers import findings, observe


def batches(kind: str) -> Iterator[tuple[Tensor, Tensor]]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(240, 6)).astype("float32")
    y = (x[:, 0] > 0).astype("float32")
    buffer = np.zeros(6, "float32")
    for start in range(0, len(x), 12):
        found = []
        for i in range(start, start + 12):
            buffer[:] = x[0 if kind == "one state" else i]
            row = buffer.copy() if kind == "copies" else buffer
            found.append(row)
        yield torch.from_numpy(np.stack(found)), torch.from_numpy(y[start : start + 12])


def found(kind: str, folder: Path) -> list[Finding]:
    def program() -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 1))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for x, y in batches(kind):
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(model(x).squeeze(1), y).backward()
            optimizer.step()

    return findings(observe(program, folder), "same-row-in-whole-batch")


def test_one_buffer_for_all_rows(tmp_path: Path) -> None:
    (finding,) = found("buffer", tmp_path)
    assert finding.level == "fault" and "all 12 rows" in finding.summary
    assert finding.where is not None
    with open(__file__, encoding="utf-8") as source:
        assert "found.append(row)" in source.read().splitlines()[finding.where.line - 1]


@pytest.mark.parametrize("kind", ["copies", "one state"])
def test_sound(kind: str, tmp_path: Path) -> None:
    assert found(kind, tmp_path) == []
