"""A learning rate too low for the number of steps."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable
from paramedic.checks.data.minority_class_ignored import still_ignored
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial, diagnosis_of_any, proven
from paramedic.experiments.interventions import LearningRate, Together
from paramedic.experiments.lab import OutOfTime
from paramedic.experiments.wording import at_first, of_optimizer, optimizer_place, percent, rates


class LearningRateTooLow(CauseByExperiment):
    """The learning rate is too low: the run ends long before the network has learned.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps are replayed with the
        learning rate and with 10, 100 and 1000 times it, on three seeds, where the program's own run failed.
        Networks that are trained in turn (a generator and its judge) are replayed in whole rounds, with the rate of each
        optimizer by itself, and a generator is measured by the energy distance of its samples to the real ones.
    Why it matters: the weights hardly move; more epochs would help as well, but take as many times longer.
    Fix: multiply the learning rate by the factor that the experiment names; then search around it.
    Not a fault when: the run learned, or a few more epochs are enough; rare classes are ignored at the higher rate as well.
    References: the article's reason 36; Bengio, "Practical recommendations for gradient-based training", 2012.
    """

    reason = "R36"
    name = "learning-rate-too-low"
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        trial = proven(case, self.name)
        if trial is None:
            return
        found = diagnosis_of_any(case)
        change = Together([*found.repairs, trial.remedy])
        try:
            ignored = found.gauge is None and still_ignored(case, change, found.steps, found.thin)
        except OutOfTime:
            ignored = False
        if ignored:
            raise NotApplicable("the loss falls further at a higher rate, but rare classes are ignored all the same (row 8)")
        yield self.finding(case, trial)

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        assert isinstance(trial.remedy, LearningRate)
        index = trial.remedy.optimizer_index
        own, higher = rates(case, index=index), rates(case, trial.remedy.factor, index)
        return Cause(
            f"learning rate {own}{of_optimizer(case, index)} is too low for {found.total_steps} steps: "
            f"{at_first(found, trial)}, and {percent(trial.after())} after {found.steps} steps at {higher}",
            optimizer_place(case, index),
            f"raise the learning rate to about {higher}",
            (Evidence("learning rate", own, f"about {higher}"),),
        )
