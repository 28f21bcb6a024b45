"""Whether the trained network decides rightly between two values, whatever its loss says."""

from __future__ import annotations

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.data.predicted import values_in_evaluation
from paramedic.checks.data.samples import Batch, batches
from paramedic.measurements.loss import is_two_valued

MOST_BATCHES = 20  # the last ones that were recorded
# Mean of the recalls of both values. A Dice loss of soft masks may stay half way where 98 % of the overlap is right (a sound
# program of 2026-11-26): above this there is nothing left that an experiment should look for.
SOLVED = 0.95


def balanced_decisions(case: Case) -> float | None:
    """The mean of the shares of both values of the targets that the last weights decide rightly, cut in the middle, in
    evaluation mode on recorded training batches; None where targets have no two values for each output.
    """
    hits, counts = torch.zeros(2), torch.zeros(2)
    for batch in batches(case)[-MOST_BATCHES:]:
        target = batch.target
        if target is None or not is_two_valued(target):
            return None
        output = _output(case, batch)
        if output is None or output.numel() != target.numel() or output.shape[:1] != target.shape[:1]:
            return None
        upper = target.reshape(-1) == target.max()
        probability = float(output.min()) >= 0.0 and float(output.max()) <= 1.0
        decided = output.reshape(-1) > (0.5 if probability else 0.0)
        for value in (False, True):
            counts[int(value)] += int((upper == value).sum())
            hits[int(value)] += int(((upper == value) & (decided == value)).sum())
    return float((hits / counts).mean()) if bool((counts > 0).all()) else None


def _output(case: Case, batch: Batch) -> Tensor | None:
    """The model's first floating-point output."""
    with case.lab.at("final"):
        values = values_in_evaluation(case, batch)
    if values is None:
        return None
    found = [values.get(number) for number in batch.flow.node.outputs if number is not None]
    return next((item.detach().cpu() for item in found if isinstance(item, Tensor) and item.is_floating_point()), None)
