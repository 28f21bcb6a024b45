"""A network that cannot memorize eight samples."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import Diagnosis, confounding, diagnosis
from paramedic.experiments.known_good import KnownGoodModel
from paramedic.experiments.tiny_set import PASSED, memorize
from paramedic.experiments.wording import learned, model_place, percent

# Between PASSED and this it has memorized nearly all: a sound network with equal inputs of different classes reached 0.08.
FAILED = 0.2  # u; on the side of silence, not calibrated
UNLEARNED = 0.5  # u at the end of the run; what got further has shown that it can learn


class CannotOverfitTinySet(Check):
    """The network cannot memorize eight of its own training samples.

    What it measures: the most that is learned (0 % = chance, 100 % = perfect) on eight samples of the first batch, with
        Adam at four learning rates, without dropout, weight decay and penalties; only for runs that did not learn.
    Why it matters: a network that cannot do that has a defect in the model or the loss: more data or epochs are no help.
    Fix: look at the model and the loss, not at the data.
    Not a fault when: the loss has a part that forbids memorizing (the Kullback-Leibler term of a VAE), or there is a
        target for every pixel and the network has fewer than ten parameters per target value.
    References: the article's first response, and its reason 27.
    """

    reason = "S5"
    name = "cannot-overfit-tiny-set"
    also = ("R27",)
    needs = ("replay", "budget")
    cost = "experiment"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        found = diagnosis(case)
        if found.ended.train < UNLEARNED or found.causes or confounding(case.findings):
            return
        if KnownGoodModel().why_not(case.lab) is not None:
            raise NotApplicable("the network has several outputs, or is called several times")
        tiny = memorize(case.lab)
        if tiny is None:
            raise NotChecked("single samples could not be cut out of a batch")
        if tiny.u < FAILED:
            return
        if not tiny.possible:
            raise NotApplicable(
                f"{tiny.samples} samples have {tiny.values} target values, too many for {tiny.parameters} parameters "
                f"to hold by heart"
            )
        yield self.suspect(
            f"the network cannot memorize {tiny.samples} samples: {learned(tiny.u)} after {tiny.steps} steps of Adam "
            f"(healthy networks get above {percent(PASSED)} in 4 to 117): a defect in the model or the loss, not in the data",
            where=model_place(case),
            evidence=(
                Evidence(f"least u on {tiny.samples} samples", round(tiny.u, 4), f"below {PASSED}", "u"),
                *ended(found),
            ),
            remedy="look at the model and the loss: widths, activations, what is detached",
            explains=("R27", "R17", "S1", "A1", "R16", "S6"),
        )


def ended(found: Diagnosis) -> tuple[Evidence, ...]:
    return (Evidence("u at the end of the run", round(found.ended.train, 4), "below 0.2", "u"),)
