"""A loss on pairs (or triplets) that pulls together what belongs apart."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.custom_loss import result_place, trials
from paramedic.experiments.counterfactual import (
    SEEDS,
    Diagnosis,
    Trial,
    assess_mended,
    confounding,
    diagnosis,
    run,
)
from paramedic.experiments.interventions import Together
from paramedic.experiments.pairs import ReversedPairs, turned_round
from paramedic.experiments.wording import SYMPTOMS, learned, percent, run_evidence
from paramedic.trace.place import Place

LEARNED = 0.2  # of u; a run below it learned what its loss asks for, whatever that is worth


class PairsReversed(Check):
    """The loss pulls pairs together that belong apart, and pushes apart those that belong together.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps, as they are and with
        the labels of the pairs turned round (of triplets: with two of the three inputs exchanged), each on the scale of
        its own loss, on three seeds. Looked at where one network is called on several inputs in a step and the run did
        not learn.
    Why it matters: different things cannot all be mapped to one place while equal ones are kept apart: such a loss
        stays where it was, or the network maps everything to one point.
    Fix: exchange the branches of the loss, or the meaning of the labels; a triplet is anchor, positive, negative.
    Not a fault when: the run learned.
    References: the article's reason 18; Hadsell et al., "Dimensionality reduction by learning an invariant mapping",
        2006; PyTorch, TripletMarginLoss.
    """

    reason = "R18"
    name = "pairs-reversed"
    needs = ("replay", "budget")
    cost = "experiment"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        remedies = turned_round(case.lab)
        if not remedies:
            raise NotApplicable("the loss compares no pairs or triplets of one network's outputs")
        found = diagnosis(case)
        if found.ended.train < LEARNED or confounding(case.findings):
            return
        if not found.base:
            raise NotChecked(found.not_tried or "the unchanged steps were not replayed")
        trial = next((item for remedy in remedies if (item := _trial(case, found, remedy)).helps()), None)
        if trial is None or any(cause.gain >= trial.gain for cause in found.causes):
            return
        found.trials.append(trial)
        yield self.fault(
            f"the loss pulls together what belongs apart: with {trial.remedy.changes} the same training reaches "
            f"{learned(trial.after())} after {found.steps} steps, as it is {percent(found.ended.train)} at the end of the run",
            where=_place(case),
            evidence=(Evidence("what was turned round", trial.remedy.changes), *run_evidence(found, trial)),
            remedy=trial.remedy.remedy,
            proof=trial.proof(),
            gain=trial.gain,
            explains=(*SYMPTOMS, "R04", "R05", "S1", "A1", "S6", "R16"),
        )


def _trial(case: Case, found: Diagnosis, remedy: ReversedPairs) -> Trial:
    """The steps with the pairs turned round, measured by the loss that this makes; further seeds where the first helps."""
    lab = case.lab
    mended = assess_mended(case, [], len(found.probes), measured_by=remedy)
    mended.thin = found.thin
    trial = Trial(remedy, base=list(found.base), ended=found.ended)
    for seed in range(SEEDS):
        if len(trial.base) <= seed:
            trial.base.append(run(lab, found, Together([]), seed, found.steps))
        trial.outcomes.append(run(lab, mended, remedy, seed, found.steps))
        if trial.gain < LEARNED:
            break
    return trial


def _place(case: Case) -> Place | None:
    """The line that gives the loss its value; where there are no labels to meet, the last one before backward."""
    for _, trial in trials(case):
        lines = [call.place for call in trial.tail.calls if call.place is not None]
        place = result_place(trial) or next((item for item in reversed(lines)), None)
        if place is not None:
            return place
    return case.lab.main_backward.place
