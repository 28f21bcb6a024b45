"""What the program does with its regularization off, one by one and all at once."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import GAIN, diagnosis, run
from paramedic.experiments.interventions import NoDropout, NoPenalty, NoWeightDecay, Remedy, Together
from paramedic.experiments.wording import learned, percent

KINDS = (NoDropout, NoWeightDecay, NoPenalty)


class LearnsWithoutRegularization(Check):
    """Where a run failed: how far it gets without dropout, weight decay and penalties, one by one and all.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps as they were, with
        each kind of regularization off, and with all of them off.
    Why it matters: regularization is the first thing to take away when the training data are not learned.
    Fix: see row R30, which proves it on three seeds where one kind is too much.
    Not a fault when: ever: this is a statement; the cause, if it is one, is row R30's.
    References: the article's first response.
    """

    reason = "S2"
    name = "learns-without-regularization"
    needs = ("replay", "budget")
    cost = "experiment"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        lab = case.lab
        used: list[Remedy] = [remedy for kind in KINDS if (remedy := kind()).why_not(lab) is None]
        if not used:
            raise NotApplicable("no dropout, no weight decay and no penalty in the loss")
        found = diagnosis(case)
        if not found.failing:
            raise Passed(f"the training data are learned with it ({learned(found.ended.train)} at the end)")
        if not found.base or lab.time_left() <= 0:
            raise NotChecked(found.not_tried or f"budget of {lab.budget:g} s used up")
        repairs, base = found.repairs, found.base[0].train
        off = [*used, Together(used)] if len(used) > 1 else used
        reached = {
            item.changes: run(lab, found, Together([*repairs, item]), 0, found.steps).train for item in off
        }
        numbers = ", ".join(f"{name}: {percent(u)}" for name, u in reached.items())
        text = f"learned after {found.steps} steps as it was: {learned(base)}, {numbers}"
        best = min(reached, key=lambda name: reached[name])
        if base - reached[best] <= GAIN or any(item.reason in ("R30", "S2") for item in case.findings):
            raise Passed(text)
        yield self.note(
            f"{text}: more is learned with {best}",
            evidence=tuple(Evidence(f"u with {name}", round(u, 4), "", "u") for name, u in reached.items()),
            remedy="lower the regularization until the training data are learned",
        )
