"""Training that goes on from the program's last weights: whether there was more to learn."""

from __future__ import annotations

import math
import statistics

from paramedic.checks.case import Case
from paramedic.checks.check import NotChecked
from paramedic.checks.finding import Proof
from paramedic.experiments.counterfactual import SEEDS, Diagnosis, Outcome, outcome
from paramedic.experiments.lab import Intervention, Lab, Repeatable

STEPS = 200
TRAIN_ON = "train-on"  # the name of the experiment for `paramedic replay`
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


def gone_on(lab: Lab, found: Diagnosis, before: float, after: list[float]) -> Proof:
    """That there was more to learn, as a proof that can be repeated."""
    differences = sorted(value - before for value in after)
    interval = (round(differences[0], 4), round(differences[-1], 4))
    proof = Proof(
        TRAIN_ON, round(before, 4), round(statistics.median(after), 4), interval, len(after), "u",
        "training continued from the final weights",
    )  # fmt: skip
    lab.repeatable.append(Repeatable(proof, STEPS, len(found.probes), whole=True))
    return proof


def shown(item: Outcome) -> float:
    return item.train if math.isnan(item.validation) else item.validation


def further(before: float, after: list[float]) -> bool:
    """Whether training on was worth it, with every seed."""
    return len(after) == SEEDS and before - max(after) > LEAST_GAIN and max(after) < LEFT * before
