"""Training that goes on from the program's last weights: whether there was more to learn."""

from __future__ import annotations

import math
import statistics

from paramedic.checks.case import Case
from paramedic.checks.check import NotChecked
from paramedic.checks.finding import Proof
from paramedic.experiments.counterfactual import SEEDS, Diagnosis, Outcome, outcome
from paramedic.experiments.lab import Curve, Intervention, Lab, Repeatable

STEPS = 200
# The names of the experiments for `paramedic replay`; the latter two end in the learning rate.
TRAIN_ON, AT_RATE, LOSS_AT_RATE = "train-on", "train-on-at-rate-", "loss-on-at-rate-"
# Of u at the end of the run, on validation batches where they are known, when training goes on: noise between seeds is
# below a tenth, and a run that overfits gets worse.
LEFT = 0.7
LEAST_GAIN = 0.02  # in u


class OneRate(Intervention):
    """Every step at one learning rate."""

    rows = ("R36",)

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self.changes = f"training continued from the final weights at a learning rate of {rate:.4g}"

    def lr(self, lr: float, optimizer: int) -> float:
        return self.rate


def rounded(rate: float) -> float:
    """As an experiment's name says it."""
    return float(f"{rate:.4g}")


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


def gone_on_at(lab: Lab, found: Diagnosis, rate: float, before: float, after: list[float], steps: int) -> Proof:
    """The same of training that went on at one learning rate."""
    differences = sorted(value - before for value in after)
    proof = Proof(
        f"{AT_RATE}{rate:.4g}", round(before, 4), round(statistics.median(after), 4),
        (round(differences[0], 4), round(differences[-1], 4)), len(after), "u", OneRate(rate).changes,
    )  # fmt: skip
    lab.repeatable.append(Repeatable(proof, steps, len(found.probes), whole=True))
    return proof


def loss_going_on(lab: Lab, rate: float, before: float, steps: int) -> tuple[Proof, list[Curve]]:
    """How the loss on the recorded batches changes when training goes on at one rate, with the curve of each seed.

    before: the loss at the final weights.
    """
    curves = []
    for seed in range(1, SEEDS + 1):
        curves.append(lab.train(OneRate(rate), steps=steps, seed=seed, state="final"))
        if lab.time_left() <= 0:
            break
    after = [curve.evaluated for curve in curves]
    differences = sorted(value - before for value in after)
    proof = Proof(
        f"{LOSS_AT_RATE}{rate:.4g}", before, statistics.median(after), (differences[0], differences[-1]), len(after),
        "loss", OneRate(rate).changes,
    )  # fmt: skip
    lab.repeatable.append(Repeatable(proof, steps, 0, whole=True))
    return proof, curves


def shown(item: Outcome) -> float:
    return item.train if math.isnan(item.validation) else item.validation


def further(before: float, after: list[float]) -> bool:
    """Whether training on was worth it, with every seed."""
    return len(after) == SEEDS and before - max(after) > LEAST_GAIN and max(after) < LEFT * before
