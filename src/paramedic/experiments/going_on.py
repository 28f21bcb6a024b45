"""Training that goes on from the program's last weights: whether there was more to learn."""

from __future__ import annotations

import math

from paramedic.checks.case import Case
from paramedic.checks.check import NotChecked
from paramedic.experiments.counterfactual import SEEDS, Diagnosis, Outcome, outcome
from paramedic.experiments.lab import Intervention

STEPS = 200
# Of u at the end of the run, on validation batches where they are known, when training goes on: noise between seeds is
# below a tenth, and a run that overfits gets worse.
LEFT = 0.7
LEAST_GAIN = 0.02  # in u


def resumed(case: Case, found: Diagnosis, change: Intervention, steps: int) -> list[float]:
    """u by seed after some more steps from the last weights, on validation batches where they are known."""
    lab, reached = case.lab, list[float]()

    def measure() -> float:
        reached.append(shown(outcome(lab, found.scale, found.probes, found.validation)))
        return reached[-1]

    for seed in range(1, SEEDS + 1):
        if lab.time_left() <= 0:
            raise NotChecked(f"budget of {lab.budget:g} s used up")
        lab.train(change, steps=steps, seed=seed, state="final", after=measure)
    return reached


def shown(item: Outcome) -> float:
    return item.train if math.isnan(item.validation) else item.validation


def further(before: float, after: list[float]) -> bool:
    """Whether training on was worth it, with every seed."""
    return len(after) == SEEDS and before - max(after) > LEAST_GAIN and max(after) < LEFT * before
