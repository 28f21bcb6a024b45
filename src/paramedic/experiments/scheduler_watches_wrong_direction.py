"""ReduceLROnPlateau takes progress for standstill: its mode is the other way round than the value that it is given."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.stats import kendalltau

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.checks.training.rates import learning_rates
from paramedic.experiments.counterfactual import assess
from paramedic.experiments.going_on import STEPS, OneRate, further, gone_on_at, resumed, rounded, shown
from paramedic.experiments.wording import percent
from paramedic.trace.setup import WatchedQuantity

LEAST_CALLS = 6  # of an exact test of Kendall's tau: five cannot reach P
P = 0.01
AGAINST = 0.6  # |tau| between the watched values and the training loss, of the wrong sign
REDUCED = 0.5  # of its maximum is the least that a rate has fallen to


class SchedulerWatchesWrongDirection(Check):
    """ReduceLROnPlateau watches a value that rises with success in mode "min" (or one that falls in mode "max").

    What it measures: the values that the scheduler was given against the training loss between its calls (Kendall's
        tau); then training goes on from the final weights at the highest rate, on three seeds.
    Why it matters: every epoch that makes the value better counts as one without improvement, so the rate is cut again and
        again while there is still much to learn. The default mode is "min", which an accuracy or R2 contradicts.
    Fix: mode="max" for accuracy, R2, F1 and the like, or give the scheduler the validation loss.
    Not a fault when: the value rises because the network overfits: more training then makes validation worse.
    References: the article's reason 36; torch.optim.lr_scheduler.ReduceLROnPlateau.
    """

    reason = "R36"
    name = "scheduler-watches-wrong-direction"
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        records = [item for item in case.setup.watched if item.effect == "rate" and len(item.values) >= LEAST_CALLS]
        if not records:
            raise NotApplicable("no ReduceLROnPlateau was given enough values")
        for record in records:
            tau = _against(case, record)
            rates = learning_rates(case)
            if tau is None or not len(rates) or rates.min() > REDUCED * rates.max():
                continue
            found = assess(case)
            steps = min(STEPS, found.total_steps)
            rate = rounded(float(rates.max()))
            before, after = shown(found.ended), resumed(case, found, OneRate(rate), steps)
            if further(before, after):
                yield self._finding_of(record, tau, rates, gone_on_at(case.lab, found, rate, before, after, steps))

    def _finding_of(self, record: WatchedQuantity, tau: float, rates: np.ndarray, proof: Proof) -> Finding:  # type: ignore[type-arg]
        mode = record.mode
        other, moves = ("max", "rises") if mode == "min" else ("min", "falls")
        before, reached = proof.before, proof.after
        return self.fault(
            f'ReduceLROnPlateau in mode "{mode}" is given a value that {moves} as the training loss falls '
            f"({record.values[0]:.3g} at first, {record.values[-1]:.3g} at last): it cut the learning rate from "
            f"{rates.max():.2g} to {rates.min():.2g} while the network learned; of the way from chance to perfect, "
            f"{percent(before)} is learned, and {percent(reached)} where it goes on at the highest rate: "
            f'use mode="{other}"',
            where=record.constructed,
            evidence=(
                Evidence("Kendall's tau of the watched value and the training loss", round(tau, 2),
                         "above 0" if mode == "min" else "below 0"),
                Evidence("lowest over highest learning rate", float(rates.min() / rates.max()), f"above {REDUCED}"),
                Evidence("u at the end of the run, and going on at the highest rate", [before, reached],
                         "no fall", "u"),
            ),
            remedy=f'construct the scheduler with mode="{other}", or give it the validation loss',
            proof=proof,
            gain=before - reached,
            explains=("R36", "R31", "R33", "R24", "R29", "R30", "R11", "R28"),
            exact=True,
        )


def _against(case: Case, record: WatchedQuantity) -> float | None:
    """Kendall's tau of the watched values and the training loss before each call, where it contradicts the mode."""
    rows = case.trace.steps()
    steps, losses = np.array([row.step for row in rows]), np.array([row.loss for row in rows], dtype=float)
    pairs, begin = [], 0
    for value, end in zip(record.values, record.at_step, strict=True):
        part = losses[(steps >= begin) & (steps < end)]
        begin = end
        if len(part) and np.isfinite(part).all() and math.isfinite(value):
            pairs.append((value, float(part.mean())))
    if len(pairs) < LEAST_CALLS:
        return None
    tau, p = kendalltau(*zip(*pairs, strict=True))
    wrong = -tau if record.mode == "min" else tau
    return float(tau) if p < P and wrong > AGAINST else None
