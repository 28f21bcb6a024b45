"""Another optimizer learns where the program's own does not."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Finding
from paramedic.experiments.counterfactual import diagnosis, proven
from paramedic.experiments.wording import SYMPTOMS, main_optimizer, optimizer_place, percent, run_evidence


class WrongOptimizer(Check):
    """Another optimizer learns where the program's own does not, and no narrower change does.

    What it measures: u (1 = knows nothing, 0 = perfect) after the recorded steps are replayed with Adam (lr 0.001) or
        SGD with momentum in the place of the program's optimizer, on three seeds, where the run failed.
    Why it matters: it is evidence that something about the updates is wrong; rarely the optimizer itself.
    Fix: try the other optimizer, and look for what it compensates (scale of inputs, weights or gradients).
    Not a fault when: ever by itself: it is a note, since a stronger optimizer also hides what is really wrong.
    References: the article's reason 34; Kingma & Ba, "Adam", 2015.
    """

    reason = "R34"
    name = "wrong-optimizer"
    also = ("R29",)
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        trial = proven(case, self.name)
        if trial is None:
            return
        found = diagnosis(case)
        record = main_optimizer(case)
        yield self.note(
            f"{trial.remedy.changes} reaches u {percent(trial.after())} in {found.steps} steps, the program's own "
            f"{record.kind if record else 'optimizer'} {percent(found.ended.train)} in its whole run of "
            f"{found.total_steps} (1 = knows nothing, 0 = perfect): something about the updates is wrong",
            where=optimizer_place(case),
            evidence=run_evidence(found, trial),
            remedy=trial.remedy.remedy,
            proof=trial.proof(),
            gain=trial.gain,
            explains=SYMPTOMS,
        )
