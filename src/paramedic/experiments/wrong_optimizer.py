"""Another optimizer learns where the program's own does not."""

from __future__ import annotations

from paramedic.checks.case import Case
from paramedic.experiments.cause import Cause, CauseByExperiment
from paramedic.experiments.counterfactual import Diagnosis, Trial
from paramedic.experiments.wording import at_first, main_optimizer, optimizer_place, percent


class WrongOptimizer(CauseByExperiment):
    """Another optimizer learns where the program's own does not, and no narrower change does.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps are replayed with
        Adam (lr 0.001) or SGD with momentum in the place of the program's optimizer, on three seeds, where the run
        failed.
    Why it matters: it is evidence that something about the updates is wrong; rarely the optimizer itself.
    Fix: try the other optimizer, and look for what it compensates (scale of inputs, weights or gradients).
    Not a fault when: ever by itself: it is a note, since a stronger optimizer also hides what is really wrong.
    References: the article's reason 34; Kingma & Ba, "Adam", 2015.
    """

    reason = "R34"
    name = "wrong-optimizer"
    needs = ("replay", "budget")
    cost = "experiment"
    level = "note"

    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        record = main_optimizer(case)
        return Cause(
            f"{trial.remedy.changes} reaches {percent(trial.after())} in {found.steps} steps, with the program's own "
            f"{record.kind if record else 'optimizer'} {at_first(found, trial)} ({found.total_steps} steps): something "
            "about the updates is wrong",
            optimizer_place(case),
            trial.remedy.remedy,
        )
