"""The learning rate over the run, and how many steps an epoch has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.implementation.wiring import steps_of
from paramedic.trace.setup import SchedulerRecord, Source

Rates = np.ndarray[Any, np.dtype[np.float64]]


def learning_rates(case: Case) -> Rates:
    """The first parameter group's rate at every optimizer step; of the recorded ones where several optimizers step."""
    stepping = [index for index, record in enumerate(case.setup.optimizers) if record.steps]
    if len(stepping) == 1:
        return case.trace.at_every_step("lr")
    main = max(stepping, key=lambda index: case.setup.optimizers[index].steps, default=-1)
    return np.array([step.lrs[0] for step in steps_of(case) if step.optimizer == main and step.lrs], dtype=float)


@dataclass(frozen=True)
class Epochs:
    """Optimizer steps of the run, per epoch, and the number of epochs (not whole where the run was cut short)."""

    steps: int
    per_epoch: float

    @property
    def count(self) -> float:
        return self.steps / self.per_epoch


def epochs(case: Case) -> Epochs | None:
    """From the training loader's passes, else from the validation passes, else from the rows of the data."""
    steps = max((record.steps for record in case.setup.optimizers), default=0)
    if not steps:
        return None
    for record in case.setup.loaders:
        if record.role == "train" and record.iterations:
            full = max(record.iterations)
            return Epochs(steps, max(1.0, steps * full / max(1, sum(record.iterations))))
    after = sorted({item.after_step for item in case.setup.evaluations if item.after_step > 0})
    if len(after) >= 2:
        return Epochs(steps, max(1.0, float(np.median(np.diff(after[:3])))))
    rows = _rows_of_data(case)
    return Epochs(steps, rows) if rows is not None else None


def _rows_of_data(case: Case) -> float | None:
    """Steps per epoch of batches that are cut from a tensor by hand."""
    for record in case.setup.backwards():
        for leaf in record.tape.constants().values() if record.tape is not None else ():
            origin = leaf.source.origin if isinstance(leaf.source, Source) else None
            if origin is not None and origin.dim() and leaf.value.dim() and len(leaf.value):
                return max(1.0, len(origin) / len(leaf.value))
    return None


def steps_between_calls(record: SchedulerRecord) -> float | None:
    """Median number of optimizer steps between two calls of a scheduler; None with fewer than three calls."""
    if len(record.at_optimizer_step) < 3:
        return None
    return float(np.median(np.diff(record.at_optimizer_step)))
