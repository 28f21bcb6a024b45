"""The loss at the start, against chance."""

from __future__ import annotations

import math
from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotChecked
from paramedic.checks.finding import Evidence, Finding

# In loss per range of the loss (u). Healthy set-ups start at .95 to 1.32, those whose last bias ignores the mean of
# the target at up to 13.6 (METHODS, row 17): the number is worth a note and proves nothing.
FAR_ABOVE_CHANCE = 15.0


class LossAboveChanceAtStart(Check):
    """The first loss is far above that of knowing nothing.

    What it measures: the first recorded loss, at the initial weights, against the loss of the best constant output (chance,
        for any loss) and the best that any outputs reach (free-output test).
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
        if u > FAR_ABOVE_CHANCE:
            yield self.note(
                f"the first loss is {first.loss:.4g}, chance is {free.constant:.4g} and the best {free.minimum:.4g}: "
                f"the outputs start on another scale than the targets (expected a first loss near chance)",
                where=first.place,
                evidence=(Evidence("u by the first loss", round(u, 2), "about 1", "u"),),
                remedy="start the last bias at the target's mean, or standardize the targets",
            )
