"""A learning rate above what the network can stand."""

from __future__ import annotations

from paramedic.checks.case import Case
from paramedic.checks.finding import Evidence
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial
from paramedic.experiments.interventions import LearningRate
from paramedic.experiments.wording import at_first, of_optimizer, optimizer_place, percent, rates


class LearningRateTooHigh(CauseByExperiment):
    """The learning rate is too high: training diverges or stays where it is.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps are replayed with the
        learning rate and with a tenth, a hundredth and a thousandth of it, on three seeds, where the program's own run
        failed.
        Networks that are trained in turn (a generator and its judge) are replayed in whole rounds, with the rate of each
        optimizer by itself, and a generator is measured by the energy distance of its samples to the real ones.
    Why it matters: every step overshoots; the loss grows, oscillates, or the units die.
    Fix: divide the learning rate by the factor that the experiment names; then search around it.
    Not a fault when: the run learned, however high the number looks: there is no rate that is too high by itself.
    References: the article's reason 36; Bengio, "Practical recommendations for gradient-based training", 2012.
    """

    reason = "R36"
    name = "learning-rate-too-high"
    needs = ("replay", "budget")
    cost = "experiment"
    explains = ("R35", "R33", "R37", "S5", "R27", "R17", "S1", "A1", "R16", "S6", "R24", "R34")

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        assert isinstance(trial.remedy, LearningRate)
        index = trial.remedy.optimizer_index
        own, lower = rates(case, index=index), rates(case, trial.remedy.factor, index)
        return Cause(
            f"learning rate {own}{of_optimizer(case, index)} is too high: {at_first(found, trial)}, and "
            f"{percent(trial.after())} after {found.steps} steps at {lower}",
            optimizer_place(case, index),
            f"lower the learning rate to about {lower}",
            (Evidence("learning rate", own, f"about {lower}"),),
        )
