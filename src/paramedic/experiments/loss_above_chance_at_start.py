"""The loss at the start, against chance."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotChecked, Passed
from paramedic.checks.finding import Evidence, Finding

# In loss per range of the loss (u). Healthy set-ups start at .95 to 1.32, those whose last bias ignores the mean of
# the target at up to 13.6 (METHODS, row 17): the number is worth a note and proves nothing.
FAR_ABOVE_CHANCE = 15.0
# Times the loss of outputs of zero: METHODS, row 17: 0 of 84 healthy starts, most with the last layer times 30.
FAR_ABOVE_ZERO = 2.0
ABOVE_CHANCE = 2.0  # in u, beside that: an output of zero may be right by itself (residuals, log ratios)


class LossAboveChanceAtStart(Check):
    """The first loss is far above that of knowing nothing.

    What it measures: the first recorded loss, at the initial weights, against the loss of the best constant output (chance,
        for any loss: ln C for C classes alike, the entropy of labels that are not, the variance of the targets for a squared
        error, all with the weights of the program's own loss), outputs of zero, and the best that any outputs reach
        (free-output test).
    Why it matters: a network that knows nothing should lose what chance loses; more means outputs of the wrong scale.
    Fix: smaller initial weights in the last layer, its bias at the mean of the target, standardized targets.
    Not a fault when: training gets over it, as it mostly does: this is a note.
    References: the article's reason 17; Karpathy, "A recipe for training neural networks", 2019.
    """

    reason = "R17"
    name = "loss-above-chance-at-start"
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        lab = case.lab
        free = lab.free_output()
        first = lab.main_backward
        u = math.nan if free is None else free.u(first.loss)
        if free is None or not math.isfinite(u) or free.unbounded:
            raise NotChecked("chance level could not be measured for this loss")
        with lab.at("initial"), torch.no_grad():
            of_zero = float(free.tail.loss([torch.zeros_like(item) for item in free.tail.outputs]))
        times = first.loss / of_zero if of_zero > 0 else math.nan
        if not (u > FAR_ABOVE_CHANCE or u > ABOVE_CHANCE and times > FAR_ABOVE_ZERO):
            raise Passed(f"the first loss is {first.loss:.4g}, and chance {free.constant:.4g}")
        scattered = times > FAR_ABOVE_ZERO
        yield self.note(
            f"the first loss is {first.loss:.4g}, chance is {free.constant:.4g} and the best {free.minimum:.4g}: "
            + (f"outputs of zero would lose {of_zero:.4g}, so the network is sure of what it cannot know" if scattered
               else "the outputs start on another scale than the targets")
            + " (expected a first loss near chance)",
            where=first.place,
            evidence=(
                Evidence("u by the first loss", round(u, 2), "about 1", "u"),
                Evidence("first loss over that of outputs of zero", round(times, 2), f"below {FAR_ABOVE_ZERO:g}"),
            ),
            remedy="start the last layer's weights smaller" if scattered
            else "start the last bias at the target's mean, or standardize the targets",
        )  # fmt: skip
