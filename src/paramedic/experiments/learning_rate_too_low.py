"""A learning rate too low for the number of steps."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import diagnosis, proven
from paramedic.experiments.interventions import LearningRate
from paramedic.experiments.wording import SYMPTOMS, optimizer_place, percent, rates, run_evidence


class LearningRateTooLow(Check):
    """The learning rate is too low: the run ends long before the network has learned.

    What it measures: u (1 = knows nothing, 0 = perfect) after the recorded steps are replayed with the learning rate
        and with 10, 100 and 1000 times it, on three seeds, where the program's own run failed.
    Why it matters: the weights hardly move; more epochs would help as well, but take as many times longer.
    Fix: multiply the learning rate by the factor that the experiment names; then search around it.
    Not a fault when: the run learned, or a few more epochs are enough.
    References: the article's reason 36; Bengio, "Practical recommendations for gradient-based training", 2012.
    """

    reason = "R36"
    name = "learning-rate-too-low"
    also = ("R29",)
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        trial = proven(case, self.name)
        if trial is None:
            return
        assert isinstance(trial.remedy, LearningRate)
        found = diagnosis(case)
        higher = rates(case, trial.remedy.factor)
        yield self.fault(
            f"learning rate {rates(case)} is too low: u {percent(found.ended.train)} at the end of the run of "
            f"{found.total_steps} steps, and {percent(trial.after())} after {found.steps} steps at {higher} "
            "(1 = knows nothing, 0 = perfect)",
            where=optimizer_place(case),
            evidence=(Evidence("learning rate", rates(case), f"about {higher}"), *run_evidence(found, trial)),
            remedy=f"raise the learning rate to about {higher}",
            proof=trial.proof(),
            gain=trial.gain,
            explains=SYMPTOMS,
        )
