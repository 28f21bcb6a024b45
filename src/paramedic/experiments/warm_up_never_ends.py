"""A warm-up that is longer than the run."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.checks.training.rates import Rates, learning_rates
from paramedic.experiments.going_on import loss_going_on, rounded
from paramedic.trace.setup import SchedulerRecord

LEAST_STEPS = 20  # shorter runs are trials of the code
LEAST_RISE = 2.0  # last rate / first rate; a constant rate is no warm-up
LEAST_LEFT = 2.0  # planned peak / last rate: what the warm-up has still before it
HORIZON = 50  # the schedule is looked at for so many times the run's length
MOST_CALLS = 20_000  # of the schedule, beyond which its peak is not looked for
STEPS = 60
LEAST_GAIN = 0.1  # of the first loss, by which the planned rate must be better than the rate that was reached
UNLEARNED = 0.5  # last loss / first loss above which a run without experiments is taken for one that failed


@dataclass(frozen=True)
class Peak:
    """The largest rate of a schedule, and the number of its calls until then."""

    rate: float
    calls: int


class WarmUpNeverEnds(Check):
    """The run is over while its learning rate is still being warmed up.

    What it measures: whether the learning rate rises all through the run; the peak that its schedule is going to, from a copy
    of the scheduler that goes on; then training from the final weights at that peak and at the last rate, on the recorded
    batches.
    Why it matters: the run is made at a small part of the rate that it was planned for.
    Fix: a warm-up of a few per cent of the run's steps: count both in the same unit (steps or epochs), with accumulation.
    Not a fault when: the run is the beginning of a longer one, or it learned all the same.
    References: the article's reason 36; Goyal et al. 2017 (warm-up); Vaswani et al. 2017 (the schedule with 4000 such steps).
    """

    reason = "R36"
    name = "warm-up-never-ends"
    needs = ("replay",)
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        rates = learning_rates(case)
        if len(rates) < LEAST_STEPS or not _rises(rates):
            raise NotApplicable("the learning rate does not rise all through the run")
        for record in case.setup.schedulers:
            planned = planned_peak(record)
            if planned is None or planned.rate < LEAST_LEFT * rates[-1]:
                continue
            yield from self._judged(case, record, rates, planned)
            return

    def _judged(self, case: Case, record: SchedulerRecord, rates: Rates, planned: Peak) -> Iterator[Finding]:
        with case.lab.at("initial"):
            initial = case.lab.probe_loss()
        with case.lab.at("final"):
            final = case.lab.probe_loss()
        if not np.isfinite([initial, final]).all():
            return
        if case.lab.why_no_budget() is not None:
            if final > UNLEARNED * initial:
                yield self._finding_of(record, rates, planned, None)
            return
        steps = min(STEPS, max(LEAST_STEPS, len(case.lab.setup.steps)))
        as_it_is, _ = loss_going_on(case.lab, rounded(float(rates[-1])), final, steps)
        proof, _ = loss_going_on(case.lab, rounded(planned.rate), final, steps)
        if as_it_is.after - proof.after > LEAST_GAIN * abs(initial) and proof.interval[1] < 0:
            yield self._finding_of(record, rates, planned, proof, as_it_is.after)

    def _finding_of(
        self, record: SchedulerRecord, rates: Rates, planned: Peak, proof: Proof | None, as_it_is: float = 0.0
    ) -> Finding:
        last, steps = float(rates[-1]), len(rates)
        effect = ""
        if proof is not None:
            effect = f"; going on with it takes the loss to {proof.after:.3g}, with the last rate to {as_it_is:.3g}"
        say = self.fault if proof is not None else self.suspect
        return say(
            f"the learning rate is still being warmed up when the run ends: {record.kind} reaches its peak of "
            f"{planned.rate:.2g} at call {planned.calls} of the scheduler, the run makes {record.calls} and ends at {last:.2g} "
            f"({last / planned.rate:.0%}){effect}: make the warm-up a small part of the run",
            where=record.constructed or record.stepped,
            evidence=(
                Evidence("calls until the peak", planned.calls, f"a small part of {record.calls}"),
                Evidence("last learning rate", last, f"{planned.rate:.2g} before the end"),
                Evidence("optimizer steps", steps),
            ),
            remedy="count the warm-up in the unit in which the scheduler is stepped, and make it a few per cent of the run",
            proof=proof,
            explains=("R36", "R31", "R33", "R24", "R29", "R30", "R11", "R28", "R34", "S5", "R35"),
            gain=None if proof is None else proof.before - proof.after,
            exact=proof is not None,
        )


def _rises(rates: Rates) -> bool:
    """Whether the rate never falls and has grown; the first value may be the one before the schedule."""
    later = rates[1:]
    return bool((np.diff(later) >= 0).all()) and rates[-1] > LEAST_RISE * later[0] and rates[-1] > rates[-2]


def planned_peak(record: SchedulerRecord) -> Peak | None:
    """Where a schedule is going to, from a copy that goes on; None for schedules that look at a metric, or do not peak."""
    optimizer = getattr(record.scheduler, "optimizer", None)
    if optimizer is None or not record.calls or not hasattr(record.scheduler, "get_last_lr"):
        return None
    groups = [
        {"params": [torch.nn.Parameter(torch.zeros(1))], **{key: value for key, value in group.items() if key != "params"}}
        for group in optimizer.param_groups
    ]
    stand_in = torch.optim.SGD(groups, lr=0.0)
    try:
        scheduler = copy.deepcopy(record.scheduler, {id(optimizer): stand_in})
        highest, at = float(stand_in.param_groups[0]["lr"]), record.calls
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for call in range(record.calls + 1, min(MOST_CALLS, HORIZON * record.calls) + 1):
                scheduler.step()
                rate = float(stand_in.param_groups[0]["lr"])
                if rate > highest:
                    highest, at = rate, call
                elif rate < highest:
                    return Peak(highest, at)
    except Exception:  # a scheduler of the user's own, or one that is over: its plan is not known
        return None
    return Peak(highest, at) if at < min(MOST_CALLS, HORIZON * record.calls) else None
