"""Gradients of earlier steps are still there."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.protocol import Interval, intervals
from paramedic.trace.setup import OptimizerRecord

LEAST_INTERVALS = 3
# Of the steps. Zeroing once per epoch leaves the first step of each epoch clean; accumulation leaves all of them clean.
LEAST_SHARE = 0.5
LEAST_HELD = 0.5  # of the parameters: a few may be shared with another loss


class MissingZeroGrad(Check):
    """Gradients are never set to zero: each step uses the sum of all gradients so far.

    What it measures: whether, between two steps of an optimizer, every backward call finds the non-zero gradients of
    earlier steps in its parameters.
    Why it matters: the sum acts like a momentum of 1 without decay; the loss oscillates or diverges.
    Fix: ``optimizer.zero_grad()`` once per step, before backward.
    Not a fault when: gradients are accumulated over several batches and zeroed after the step.
    References: PyTorch recipe, "Zeroing out gradients"; the article's reason 34.
    """

    reason = "R34"
    name = "missing-zero-grad"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        if not any(record.steps for record in case.setup.optimizers):
            raise NotApplicable("no optimizer made a step")
        for index, record in enumerate(case.setup.optimizers):
            seen = [item for item in intervals(case, index)[1:] if item.held]
            stale = [item for item in seen if min(item.held) >= LEAST_HELD]
            if len(seen) < LEAST_INTERVALS or len(stale) <= LEAST_SHARE * len(seen):
                continue
            yield self._fault_of(record, stale, seen)

    def _fault_of(self, record: OptimizerRecord, stale: list[Interval], seen: list[Interval]) -> Finding:
        holder, act = record.kind, "call optimizer.zero_grad() before backward"
        if record.by_hand:
            holder, act = "the network", "set p.grad to None before backward, for every parameter"
        return self.fault(
            f"gradients are not set to zero: before {len(stale)} of {len(seen)} backward calls the parameters of "
            f"{holder} held the gradients of earlier steps (expected 0), so each step uses their sum: {act}",
            where=stale[0].backwards[0].place,
            evidence=(
                Evidence("steps that begin with old gradients", len(stale), "0"),
                Evidence("steps looked at", len(seen)),
            ),
            remedy=act,
            explains=("R36", "R35", "R33", "R37", "R31", "R28", "R29", "R30", "R11", "R12", "R24", "R02", "R17", "R20",
                      "S5", "R27"),
            exact=True,
        )
