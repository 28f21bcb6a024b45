"""Losses that are read many at a time, because reading one would wait for a device."""

from __future__ import annotations

import math

import torch

from paramedic.capture.late_losses import MOST_WAITING, LateLosses
from paramedic.trace.store import StepRow


def _row(step: int) -> StepRow:
    return StepRow(step, 0, 0.0, math.nan, 0.1, None, {})


def test_losses_are_written_together_in_order() -> None:
    written: list[StepRow] = []
    late = LateLosses(written.append)
    for step in range(MOST_WAITING + 3):
        late.add(_row(step), torch.tensor(float(step)))
    assert [(row.step, row.loss) for row in written] == [(step, float(step)) for step in range(MOST_WAITING)]
    late.flush()
    assert [row.loss for row in written[MOST_WAITING:]] == [64.0, 65.0, 66.0]


def test_losses_of_other_types_and_shapes_are_taken_as_they_are() -> None:
    written: list[StepRow] = []
    late = LateLosses(written.append)
    for step, loss in enumerate([torch.tensor([0.5]), torch.tensor(0.25, dtype=torch.float64), torch.tensor(2.0).half()]):
        late.add(_row(step), loss)
    late.flush()
    assert [row.loss for row in written] == [0.5, 0.25, 2.0]


def test_rows_of_a_device_that_has_failed_are_written_without_their_losses() -> None:
    written: list[StepRow] = []
    late = LateLosses(written.append)
    late.add(_row(0), torch.zeros((), device="meta"))  # it cannot be read either
    late.flush()
    assert [row.step for row in written] == [0] and math.isnan(written[0].loss)
