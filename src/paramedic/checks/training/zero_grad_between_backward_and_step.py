"""The gradients are gone when the optimizer steps."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.wiring import SYMPTOMS, optimizer_parameters, wiring
from paramedic.checks.training.protocol import Interval, intervals

LEAST_STEPS = 2
LEAST_SHARE = 0.9  # of the steps


class ZeroGradBetweenBackwardAndStep(Check):
    """Gradients are set to zero after backward and before the step.

    What it measures: steps of an optimizer at which no parameter has a gradient other than zero, although backward was
    called before, and gives non-zero gradients when it is run again; and steps after several backward calls of one line
    with a zero_grad between them.
    Why it matters: the step does nothing (weight decay and old momentum aside); the network does not learn.
    Fix: call ``zero_grad()`` before ``backward()``, or after ``step()``.
    Not a fault when: the gradient itself is zero (rows 33 and 35); backward is missing (row 23).
    References: PyTorch recipe, "Zeroing out gradients"; the article's reason 34.
    """

    reason = "R34"
    name = "zero-grad-between-backward-and-step"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        if not any(record.steps for record in case.setup.optimizers):
            raise NotApplicable("no optimizer made a step")
        facts = wiring(case)
        for index, record in enumerate(case.setup.optimizers):
            seen = [item for item in intervals(case, index) if item.backwards]
            wasted = [item for item in seen if item.lost]
            if len(seen) >= LEAST_STEPS and len(wasted) >= LEAST_SHARE * len(seen):
                yield self._wasted(record.kind, wasted, len(seen))
                continue
            empty = [item for item in seen if not item.step.gradients_nonzero]
            if len(seen) < LEAST_STEPS or len(empty) < LEAST_SHARE * len(seen):
                continue
            if not any(id(p) in facts.nonzero for p in optimizer_parameters(record)):
                continue
            if seen[0] not in empty:  # the gradient was there at first, where it was computed again: the network died later
                continue
            zeroed = next((item.zeroed for item in empty if item.zeroed is not None), None)
            yield self.fault(
                f"gradients are set to zero between backward and step: {len(empty)} of {len(seen)} steps of "
                f"{record.kind} found only zero gradients, though backward computes others: zero them before backward",
                where=zeroed.place if zeroed is not None else empty[0].step.place,
                evidence=(
                    Evidence("steps with only zero gradients", len(empty), "0"),
                    Evidence("steps looked at", len(seen)),
                ),
                remedy="move zero_grad() before loss.backward()",
                explains=(*SYMPTOMS, "R32"),
                exact=True,
            )

    def _wasted(self, kind: str, wasted: list[Interval], steps: int) -> Finding:
        """Gradients that were to be accumulated are zeroed in between."""
        lost = statistics.median(item.lost for item in wasted)
        made = statistics.median(len(item.backwards) for item in wasted)
        thrown = wasted[0].thrown
        return self.fault(
            f"gradients of {lost:g} of {made:g} backward calls are set to zero before {kind} steps, in {len(wasted)} of "
            f"{steps} steps: only what came after the last zero_grad counts; call it once per step",
            where=thrown.place if thrown is not None else None,
            evidence=(
                Evidence("backward calls per step whose gradients are lost", lost, "0"),
                Evidence("backward calls per step", made),
            ),
            remedy="move zero_grad() out of the loop over the parts of the batch: once per optimizer step",
            explains=(*SYMPTOMS, "S1", "R32"),
            exact=True,
        )
