"""The learning rate is almost zero long before the network has learned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.checks.implementation.wiring import step_place
from paramedic.checks.training.rates import learning_rates
from paramedic.experiments.going_on import loss_going_on, rounded
from paramedic.trace.place import Place

LOW = 0.01  # of the highest rate
# Steps after the peak below LOW: a cosine to zero spends 6 % of its steps there, a linear decay 1 %.
LEAST_SHARE = 0.3
RESUMED = 0.3  # of the highest rate: what the schedule would have had in the middle of its way
LEAST_GAIN = 0.1  # of the initial loss, when training goes on at that rate
UNLEARNED = 0.5  # of the initial loss is left: the verdict where nothing can be tried
STEPS, LEAST_STEPS = 100, 20


class SchedulerDrivesRateToZero(Check):
    """The learning rate is driven to almost zero while there is still much to learn.

    What it measures: the share of steps with a rate below 1 % of its maximum, after that maximum; then training goes
    on from the final weights with 30 % of the maximum, on the recorded batches.
    Why it matters: the network stops where it happens to be; more epochs change nothing.
    Fix: a slower schedule: its length must be the number of steps (or epochs) of the run.
    Not a fault when: the loss has converged (end of a cosine or step schedule); warm-up.
    References: the article's reason 36; torch.optim.lr_scheduler.
    """

    reason = "R36"
    name = "scheduler-drives-rate-to-zero"
    needs = ("replay",)
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        rates = learning_rates(case)
        if len(rates) < 2 or not rates.max() > 0 or rates.min() > LOW * rates.max():
            raise NotApplicable("the learning rate never falls to 1 % of its maximum")
        share = low_share(rates)
        if share < LEAST_SHARE:
            return
        with case.lab.at("initial"):
            initial = case.lab.probe_loss()
        with case.lab.at("final"):
            final = case.lab.probe_loss()
        if not np.isfinite([initial, final]).all():
            return
        if case.lab.why_no_budget() is not None:
            if final > UNLEARNED * initial:
                yield self._finding_of(case, rates, share, None)
            return
        steps = min(STEPS, max(LEAST_STEPS, len(case.lab.setup.steps)))
        proof, _ = loss_going_on(case.lab, rounded(RESUMED * float(rates.max())), final, steps)
        if (proof.before - proof.after) > LEAST_GAIN * abs(initial) and proof.interval[1] < 0:
            yield self._finding_of(case, rates, share, proof)

    def _finding_of(self, case: Case, rates: np.ndarray, share: float, proof: Proof | None) -> Finding:  # type: ignore[type-arg]
        peak = float(rates.max())
        first = int(np.argmax((rates < LOW * peak) & (np.arange(len(rates)) > rates.argmax())))
        effect = ""
        if proof is not None:
            effect = f"; going on with {RESUMED * peak:.2g} takes the loss from {proof.before:.3g} to {proof.after:.3g}"
        say = self.fault if proof is not None else self.suspect
        return say(
            f"the learning rate is below {LOW:.0%} of its maximum ({peak:.2g}) from step {first} of {len(rates)} on "
            f"({share:.0%} of the steps), before the loss has converged{effect}: make the schedule as long as the run",
            where=_place(case),
            evidence=(
                Evidence("share of steps at almost no rate", round(share, 3), f"< {LEAST_SHARE}"),
                Evidence("last learning rate", float(rates[-1]), f"about {peak:.2g}"),
            ),
            remedy="make the schedule as long as the run, or decay more slowly",
            proof=proof,
            explains=("R36", "R31", "R33", "R24", "R29", "R30", "R11", "R28"),
            gain=None if proof is None else proof.before - proof.after,
            exact=proof is not None,
        )


def low_share(rates: np.ndarray) -> float:  # type: ignore[type-arg]
    """Share of all steps that come after the maximum and have a rate below LOW of it."""
    after = np.arange(len(rates)) > rates.argmax()
    return float(np.mean(after & (rates < LOW * rates.max())))


def _place(case: Case) -> Place | None:
    used = [record for record in case.setup.schedulers if record.calls]
    return used[0].constructed if used else step_place(case)
