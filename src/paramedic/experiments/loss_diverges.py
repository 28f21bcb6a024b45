"""The loss rises without bound while the weights grow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.wiring import main_optimizer
from paramedic.experiments.non_finite_origin import GROWTH, became_non_finite, find_event, weight_growth
from paramedic.trace.place import Place

ORDERS = 100.0  # times the loss at the start: two orders of magnitude
FIRST = 5  # steps whose median is the loss at the start
LAST_SHARE = 0.1  # of the steps whose median is the loss at the end
LEAST_STEPS = 10


class LossDiverges(Check):
    """Training diverges: the weights grow a thousandfold, and the loss with them.

    What it measures: the largest weight over that at the start, and the loss of the last tenth of the steps over that of
    the first five.
    Why it matters: every step overshoots; the network is further from a solution than at the start.
    Fix: a learning rate that is three to ten times lower; standardized inputs; gradient clipping; warm-up.
    Not a fault when: losses that are meant to rise (the two sides of a GAN): their weights do not grow like this.
    References: the article's reasons 36 and 37.
    """

    reason = "R36"
    name = "loss-diverges"
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        record = main_optimizer(case)
        losses = np.array([row.loss for row in case.trace.steps()], dtype=float)
        if record is None or not case.setup.initial.tensors or len(losses) < 2:
            raise NotApplicable("no training was observed")
        if became_non_finite(case):
            event = find_event(case)
            if event is not None and event.growth > GROWTH:
                yield self._finding_of(
                    f"the loss is not finite after {event.step + 1} steps, and before that the largest weight grew "
                    f"{event.growth:.1e} times", event.growth, math.inf, record.constructed,
                )
            return
        if len(losses) < LEAST_STEPS or not np.isfinite(losses).all():
            return
        rise, growth = rise_of(losses, [row.loss for row in case.trace.evenly()]), weight_growth(case.lab)
        if rise > ORDERS or (growth > GROWTH and rise > 2):
            yield self._finding_of(
                f"the loss at the end is {rise:.3g} times that at the start, and the largest weight {growth:.3g} times",
                growth, rise, record.constructed,
            )

    def _finding_of(self, text: str, growth: float, rise: float, where: Place | None) -> Finding:
        return self.suspect(
            f"training diverges: {text}: lower the learning rate",
            where=where,
            evidence=(
                Evidence("growth of the largest weight", growth, f"< {GROWTH:g}"),
                Evidence("loss at the end over loss at the start", rise, "< 1"),
            ),
            remedy="lower the learning rate three to ten times, or clip the gradients",
            explains=("R37", "R35", "R33", "R24", "R30", "R31", "R28", "R17", "R21"),
        )


def rise_of(losses: Sequence[float] | np.ndarray, evenly: Sequence[float]) -> float:  # type: ignore[type-arg]
    """Median loss of the last tenth over the median of the first steps (of their size, where the start is near zero).

    evenly: losses of which each stands for equally many steps.
    """
    start = float(np.median(losses[:FIRST]))
    end = float(np.median(evenly[-max(1, int(LAST_SHARE * len(evenly))) :]))
    return end / max(abs(start), 1e-12)
