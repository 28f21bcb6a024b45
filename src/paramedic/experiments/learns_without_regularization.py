"""What the program does with its regularization off, one by one and all at once."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.data.clean_view import augmentation, clean_view
from paramedic.checks.data.samples import batches
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.augmentation_too_strong import CleanInputs
from paramedic.experiments.counterfactual import GAIN, Diagnosis, diagnosis, run
from paramedic.experiments.interventions import NoDropout, NoPenalty, NoWeightDecay, Remedy, Together
from paramedic.experiments.wording import learned, percent

KINDS = (NoDropout, NoWeightDecay, NoPenalty)


class LearnsWithoutRegularization(Check):
    """Where a run failed: how far it gets without dropout, weight decay, penalties and augmentation, one by one and all.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps as they were, with
        each kind of regularization off, and with all of them off; on validation batches where the rows are trained on
        without their random augmentation, which no training batch is like then.
    Why it matters: regularization is the first thing to take away when the training data are not learned.
    Fix: see rows R30 and R13, which prove it on three seeds where one kind is too much.
    Not a fault when: ever: this is a statement; the cause, if it is one, is row R30's or R13's.
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
        augmented = augmentation(case) is not None
        if not used and not augmented:
            raise NotApplicable("no dropout, no weight decay, no penalty in the loss and no random augmentation")
        found = diagnosis(case)
        if not found.failing:
            raise Passed(f"the training data are learned with it ({learned(found.ended.train)} at the end)")
        if not found.base or lab.time_left() <= 0:
            raise NotChecked(found.not_tried or f"budget of {lab.budget:g} s used up")
        clean = _without_augmentation(case, found) if augmented else None
        if not used and clean is None:
            raise NotChecked("the rows without their augmentation, or validation batches, cannot be had")
        repairs, base = found.repairs, found.base[0]
        off = [*used, *([clean] if clean is not None else [])]
        tried: list[Remedy] = [*off, Together(off)] if len(off) > 1 else off
        reached: dict[str, tuple[float, float]] = {}  # u, and how much lower it is than with everything on
        for item in tried:
            own = run(lab, found, Together([*repairs, item]), 0, found.steps)
            unlike = clean is not None and (item is clean or item is tried[-1])  # training batches are augmented
            before, after = (base.validation, own.validation) if unlike else (base.train, own.train)
            reached[item.changes + (" (validation)" if unlike else "")] = (after, before - after)
        numbers = ", ".join(f"{name}: {percent(u)}" for name, (u, _) in reached.items())
        text = f"learned after {found.steps} steps as it was: {learned(base.train)}, {numbers}"
        best = max(reached, key=lambda name: reached[name][1])
        if reached[best][1] <= GAIN or any(item.reason in ("R30", "R13", "S2") for item in case.findings):
            raise Passed(text)
        yield self.note(
            f"{text}: more is learned with {best}",
            evidence=tuple(Evidence(f"u with {name}", round(u, 4), "", "u") for name, (u, _) in reached.items()),
            remedy="lower the regularization until the training data are learned",
        )


def _without_augmentation(case: Case, found: Diagnosis) -> Remedy | None:
    """The same rows before their augmentation; None where they, or validation batches to judge by, cannot be had."""
    clean = clean_view(case) if found.validation else None
    return CleanInputs(batches(case), clean) if clean is not None and clean.complete else None
