"""A simple known-good model learns where the program's own network does not."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Finding
from paramedic.experiments import half_learned
from paramedic.experiments.cannot_overfit_tiny_set import UNLEARNED
from paramedic.experiments.counterfactual import confounding, diagnosis
from paramedic.experiments.known_good import KnownGoodModel
from paramedic.experiments.network_too_small import known_good_trial
from paramedic.experiments.wording import learned, model_place, percent, run_evidence

# u at the end of the run; below it the network has learned something, and a simple model that is ahead of it only learns
# faster: two sound programs of 43 that nobody had seen got an alarm at 0.59 and 0.72, 2026-11
UNTAUGHT = 0.85


class SimpleModelLearns(Check):
    """A simple known-good model learns from the same batches with the same loss; the program's network does not.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps with a perceptron (or
        a GRU for sequences of outputs) and Adam in the place of the network and its optimizer, on three seeds, where
        the run failed and no single change helped. A note where it learned 15 to 90 %; above 50 % the simple model has to
        get half of what was left, and 10 points, further, in training and in validation.
    Why it matters: it splits the search in half: data and loss are fine, the network or its training is not.
    Fix: start from the simple model, and add the pieces back one by one.
    Not a fault when: the network is meant to be simpler than a perceptron.
    References: the article's first response.
    """

    reason = "S1"
    name = "simple-model-learns"
    needs = ("replay", "budget")
    cost = "experiment"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        found = diagnosis(case)
        half = found.ended.train < UNLEARNED
        if found.causes or confounding(case.findings) or (half and not half_learned.asks(case, found)):
            return
        remedy = KnownGoodModel()
        problem = remedy.why_not(case.lab)
        if problem is not None:
            raise NotApplicable(problem)
        if half:
            trial = half_learned.further(case.lab, found, [remedy])
        else:
            trial = known_good_trial(case, remedy)
            trial = trial if trial is not None and trial.helps() else None
        if trial is None:
            return
        steps = found.total_steps if half else found.steps
        say = self.suspect if found.ended.train >= UNTAUGHT else self.note
        yield say(
            f"a simple known-good model learns{' more' if half else ''} from the same batches with the same loss "
            f"({learned(trial.after())} after {steps} steps{'' if half else '), the network does not ('}"
            f"{', the network ' if half else ''}{percent(found.ended.train)} at the end of the run): data and loss are fine, "
            "look at the model, its initialization and its optimizer",
            where=model_place(case),
            evidence=() if half else run_evidence(found, trial),
            remedy="start from the simple model, and add your pieces back one by one",
            proof=trial.proof(),
            gain=trial.gain,
            explains=("S5", "R27", "A1", "R16", "S6", "R17"),
        )
