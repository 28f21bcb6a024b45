"""A loss that is not finite for ordinary outputs."""

from __future__ import annotations

import math
from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.custom_loss import trials
from paramedic.experiments.loss_trial import Hazard

FIXES = {
    "log": "clamp its input away from 0, or compute it from logits (logsigmoid, log_softmax)",
    "log2": "clamp its input away from 0",
    "sqrt": "add a small constant under the root",
    "norm": "add a small constant: sqrt(sum of squares + eps)",
    "cdist": "add a small constant under the root",
    "div": "add a small constant to the denominator",
    "__truediv__": "add a small constant to the denominator",
    "exp": "limit its input (clamp)",
    "pow": "add a small constant to its base",
    "acos": "clamp its input inside (-1, 1)",
    "std": "add a small constant to the variance",
}


class CustomLossNonFinite(Check):
    """The loss or its gradient becomes infinite or NaN for ordinary outputs.

    What it measures: loss and gradient with the outputs as they were, with saturated outputs (size 60, at which a
    sigmoid is exactly 0 or 1), and with outputs equal for all samples; the operation whose inputs are finite and
    whose result (or gradient) is not.
    Why it matters: log(0), 0/0 and the slope of sqrt at 0 turn all parameters into NaN in one step.
    Fix: a small constant inside log, sqrt and denominators; the fused losses (binary_cross_entropy_with_logits,
    cross_entropy).
    Not a fault when: such outputs never occur: without a non-finite value in the run it is a note only.
    References: the article's reasons 18 and 37.
    """

    reason = "R18"
    name = "custom-loss-non-finite"
    also = ("R37",)
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        happened = went_non_finite(case)
        seen: set[str] = set()
        for _, trial in trials(case):
            for hazard in trial.hazards():
                now = hazard.when == "as they were"
                if str(hazard.call.place) in seen or not (happened or now):
                    continue
                seen.add(str(hazard.call.place))
                yield self._finding_of(hazard, happened)

    def _finding_of(self, hazard: Hazard, happened: int | None) -> Finding:
        name = hazard.call.name
        what = "gradient" if hazard.backward else "result"
        step = f"; the run became non-finite at step {happened}" if happened else ""
        return self.fault(
            f"{name} in the loss has a non-finite {what} for outputs {hazard.when} (its input: {hazard.low:.3g} to "
            f"{hazard.high:.3g}){step}: {FIXES.get(name.strip('_'), FIXES.get(name, 'guard it by a small constant'))}",
            where=hazard.call.place,
            module=hazard.call.module_path,
            evidence=(
                Evidence("input of the operation", f"{hazard.low:.3g} to {hazard.high:.3g}"),
                Evidence("outputs", hazard.when),
                Evidence("first non-finite step", happened, "none"),
            ),
            remedy=FIXES.get(name.strip("_"), FIXES.get(name, "guard it by a small constant")),
            reason="R37" if happened else "R18",  # a run that ended so is looked up under its symptom
            explains=("R18" if happened else "R37", "non-finite-origin", "R35", "R33", "R31", "R32", "R30", "R24"),
            exact=True,
        )


def went_non_finite(case: Case) -> int | None:
    """The first step whose loss was not finite; a NaN in the last weights counts as the step after the last."""
    rows = case.trace.steps()
    for row in rows:
        if not math.isfinite(row.loss):
            return max(1, row.step)
    return None
