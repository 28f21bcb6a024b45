"""A scheduler that counts epochs is stepped after every batch."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.places import calls, line_fits
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.rates import Epochs, epochs, steps_between_calls
from paramedic.trace.setup import SchedulerRecord

PER_BATCH = 1.0  # optimizer steps between two calls
LEAST_STEPS_PER_EPOCH = 3.0
LOW = 0.01  # of the first rate
MOST_OF_RUN = 1 / 3  # the schedule is over within this share of the run
SLACK = 2.0  # a schedule may be planned for twice the epochs that are run


@dataclass(frozen=True)
class Plan:
    """A schedule's settings: ``name`` = ``value`` calls; ``over`` calls until the rate is at 1 % (or turns round)."""

    name: str
    value: float
    over: float


class SchedulerSteppedPerBatch(Check):
    """A scheduler whose settings are meant in epochs is stepped once per batch.

    What it measures: the optimizer steps between two calls of the scheduler, the steps per epoch, and the scheduler's
    own count (step_size, milestones, T_max, gamma) against the epochs of the run.
    Why it matters: the schedule is over in a fraction of the first epoch; the rest trains at a rate of almost zero.
    Fix: move ``scheduler.step()`` out of the batch loop, or give its settings in batches.
    Not a fault when: the scheduler is meant for batches: OneCycleLR, warm-up, LambdaLR, settings in steps.
    References: the article's reason 36; torch.optim, "How to adjust learning rate".
    """

    reason = "R36"
    name = "scheduler-stepped-per-batch"

    def examine(self, case: Case) -> Iterator[Finding]:
        records = [record for record in case.setup.schedulers if record.calls]
        if not records:
            raise NotApplicable("no scheduler is stepped")
        run = epochs(case)
        if run is None:
            raise NotChecked("the number of steps in an epoch is not known")
        for record in records:
            plan, between = plan_of(record.scheduler), steps_between_calls(record)
            if plan is None or between is None or between > PER_BATCH or run.per_epoch < LEAST_STEPS_PER_EPOCH:
                continue
            if _meant_for_epochs(plan, run) and plan.over < MOST_OF_RUN * run.steps:
                yield self._fault_of(record, plan, run)

    def _fault_of(self, record: SchedulerRecord, plan: Plan, run: Epochs) -> Finding:
        own = line_fits(record.stepped, calls("step"))
        act = "move scheduler.step() out of the batch loop" if own else "count its settings in batches"
        return self.fault(
            f"{record.kind} with {plan.name}={plan.value:g} is stepped after every batch ({run.per_epoch:.0f} times per "
            f"epoch, expected 1): its schedule is over after {plan.over / run.per_epoch:.2g} of {run.count:.3g} epochs: {act}",
            where=record.stepped if own else record.constructed or record.stepped,
            evidence=(
                Evidence("calls per epoch", round(run.per_epoch, 1), "1"),
                Evidence("epochs until the schedule is over", round(plan.over / run.per_epoch, 3), f"{plan.over:.3g}"),
            ),
            remedy="call scheduler.step() once per epoch, after the batch loop" if own
            else "count the scheduler's settings in batches, or have the framework step it once per epoch",
            explains=("scheduler-drives-rate-to-zero", "R36", "R31", "R33", "R24", "R29", "R30", "R28", "R11", "R35"),
            exact=True,
        )


def _meant_for_epochs(plan: Plan, run: Epochs) -> bool:
    if plan.name == "gamma":  # once per epoch it would leave a usable rate
        return plan.value ** max(1.0, run.count) > LOW**2
    return plan.value <= SLACK * run.count or plan.over < run.per_epoch / 2


def plan_of(scheduler: Any) -> Plan | None:
    """The settings of the schedulers that count calls; None for those that are as often stepped per batch."""
    kind = type(scheduler).__name__
    gamma = float(getattr(scheduler, "gamma", 0.0) or 0.0)
    if kind == "StepLR" and 0 < gamma < 1:
        return Plan("step_size", scheduler.step_size, scheduler.step_size * math.log(LOW) / math.log(gamma))
    if kind == "MultiStepLR" and 0 < gamma < 1 and scheduler.milestones:
        last = max(scheduler.milestones)
        return Plan("last milestone", last, last)
    if kind == "ExponentialLR" and 0 < gamma < 1:
        return Plan("gamma", gamma, math.log(LOW) / math.log(gamma))
    if kind == "CosineAnnealingLR":
        return Plan("T_max", scheduler.T_max, scheduler.T_max)
    if kind == "PolynomialLR":
        return Plan("total_iters", scheduler.total_iters, scheduler.total_iters)
    return None
