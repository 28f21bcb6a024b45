"""Weights whose units start equal and stay equal: shared by the checks on symmetric and zero initialization."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.experiments.sensitivity import sensitivity

SAME = 1e-6  # relative to the largest weight: rounding of equal updates in another order


@dataclass(frozen=True)
class EqualUnits:
    """A weight whose rows (one per unit) are equal before and after training.

    value: the largest magnitude at the start (0 = all zero).
    """

    name: str
    units: int
    value: float


def equal_units(case: Case) -> list[EqualUnits]:
    """Weights that the loss depends on and that the optimizer holds, with all units equal at start and end."""
    lab, setup = case.lab, case.setup
    flow = sensitivity(lab)
    optimized = {
        id(p)
        for record in setup.optimizers
        for group in record.optimizer.param_groups
        for p in group["params"]
    }
    found = []
    for live, start in setup.initial.tensors:
        reached = flow is not None and id(live) in flow.gradients and id(live) in optimized
        if reached and live.dim() >= 2 and live.shape[0] > 1 and _equal(start) and _equal(live.detach()):
            name = setup.parameter_name(live) or "parameter"
            found.append(EqualUnits(name, int(live.shape[0]), float(start.abs().max())))
    return found


def _equal(weight: Tensor) -> bool:
    rows = weight.flatten(1).double()
    if not bool(torch.isfinite(rows).all()):
        return False
    return bool((rows - rows[:1]).abs().max() <= SAME * max(float(rows.abs().max()), 1e-12))
