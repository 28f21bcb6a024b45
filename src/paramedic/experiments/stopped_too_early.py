"""A run that ends while the loss is still falling."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable
from paramedic.checks.data.places import epoch_loop
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial, diagnosis, proven
from paramedic.experiments.wording import at_first, percent, step_place

BLOCKS = 16  # of the last half of the run, each its median loss
LEAST_LOSSES = 64
FALLING_P = (
    0.01  # Mann-Kendall, one-sided; the prototype's 5 % gave false trends on up to 4.6 % of flat noise
)
WORTH = (
    0.2  # predicted share of the loss that twice the steps would take away; sensitivity .61, specificity .74
)
UNLEARNED = 0.5  # u; a run that has learned more than half is left alone


@dataclass(frozen=True)
class Trend:
    """Of the last half of a loss curve: p of no fall, and the share that doubling the steps would take away."""

    p: float
    gain: float


def trend(losses: Sequence[float]) -> Trend | None:
    """Mann-Kendall test and Theil-Sen slope in log-log of block medians; None for short or non-positive curves."""
    values = np.asarray(losses, dtype=float)
    half = values[len(values) // 2 :]
    if len(values) < LEAST_LOSSES or not np.isfinite(half).all():
        return None
    blocks = np.array_split(half, BLOCKS)
    medians = np.array([np.median(block) for block in blocks])
    steps = len(values) // 2 + (np.arange(BLOCKS) + 0.5) * len(half) / BLOCKS
    if (medians <= 0).any():
        return None
    tau = stats.kendalltau(steps, medians, alternative="less")
    slope = stats.theilslopes(np.log(medians), np.log(steps)).slope
    return Trend(float(tau.pvalue), float(1 - 2.0**slope))


class StoppedTooEarly(CauseByExperiment):
    """The run ends while the loss is still falling: nothing else is wrong, it needs more time.

    What it measures: for runs of at most 100 updates, how much is learned in a replay four times as long, on three
        seeds; for longer ones, the trend of the loss over the last half (Mann-Kendall, Theil-Sen), which is only a
        note.
    Why it matters: a network that still learns needs more epochs, not another design.
    Fix: train for more epochs, or raise the learning rate.
    Not a fault when: the network has learned enough; a run that has learned more than half gets a note.
    References: the article's reason 31; Theil 1950, Mann 1945.
    """

    reason = "R31"
    name = "stopped-too-early"
    needs = ("replay", "budget")
    cost = "experiment"

    level = "suspect"

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        return Cause(
            f"the run ends after {found.total_steps} updates: {at_first(found, trial)}; the same training, "
            f"{trial.remedy.longer} times as long, reaches {percent(trial.after())}",
            epoch_loop(step_place(case)),
            trial.remedy.remedy,
        )

    def examine(self, case: Case) -> Iterator[Finding]:
        trial = proven(case, self.name)
        found = diagnosis(case)
        if trial is not None:
            told = self.finding(case, trial)
            yield told if found.ended.train >= UNLEARNED else replace(told, level="note")
            return
        if found.causes or found.ended.train < UNLEARNED:
            return
        falling = trend([row.loss for row in case.trace.evenly() if math.isfinite(row.loss)])
        if falling is None:
            raise NotApplicable("the run is too short for a trend of the loss")
        if falling.p < FALLING_P and falling.gain > WORTH:
            yield self.note(
                f"the loss still falls at the end of the run: roughly {falling.gain:.0%} more with twice the steps",
                evidence=(
                    Evidence("Mann-Kendall p of no fall over the last half", falling.p, f"above {FALLING_P}"),
                    Evidence(
                        "predicted relative fall with twice the steps",
                        round(falling.gain, 3),
                        f"below {WORTH}",
                    ),
                ),
                remedy="train for more epochs before changing anything else",
            )
