"""A scheduler that is constructed and never used."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.rates import epochs

LEAST_EPOCHS = 2.0  # a run that was cut short has had no occasion to step it


class SchedulerNeverStepped(Check):
    """A learning rate scheduler is constructed, but its ``step`` is never called.

    What it measures: calls of ``scheduler.step()`` in the whole run.
    Why it matters: the learning rate stays at its first value, which for a warm-up is very low.
    Fix: call ``scheduler.step()`` once per epoch (or per batch, as its settings are meant).
    Not a fault when: the scheduler is left over on purpose.
    References: torch.optim, "How to adjust learning rate".
    """

    reason = "R36"
    name = "scheduler-never-stepped"

    def examine(self, case: Case) -> Iterator[Finding]:
        if not case.setup.schedulers:
            raise NotApplicable("the program has no scheduler")
        run = epochs(case)
        if run is None or run.count < LEAST_EPOCHS:
            return
        part_of_another = {
            id(part) for record in case.setup.schedulers for part in getattr(record.scheduler, "_schedulers", ())
        }
        for record in case.setup.schedulers:
            if record.calls == 0 and id(record.scheduler) not in part_of_another:
                yield self.note(
                    f"{record.kind} is constructed but never stepped (0 calls in {run.count:.3g} epochs): the learning "
                    "rate stays as it is: call scheduler.step()",
                    where=record.constructed,
                    evidence=(Evidence("calls of scheduler.step", 0, f"about {run.count:.0f}"),),
                    remedy="call scheduler.step() once per epoch",
                )
