"""A simpler version of the problem: does the program solve it?"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.cannot_overfit_tiny_set import UNLEARNED
from paramedic.experiments.counterfactual import SEEDS, Diagnosis, diagnosis, known_fault, run
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.loss_components import OneTerm, breakdown, own_scales, shares
from paramedic.experiments.operations import loss_calls
from paramedic.experiments.progress import (
    U_LIMIT,
    Probe,
    loss_of,
    main_tapes,
    penalties,
    scale_of,
    spread,
    target_number,
)
from paramedic.experiments.wording import learned, model_place, percent
from paramedic.trace.tape import Tape

EASIER = 0.3  # in u: the simpler version got so much further than the whole in as many steps
PROBES = 4


class Simpler(Intervention):
    """A part of the problem, and how far a training gets on it (u)."""

    def start(self, lab: Lab) -> bool:
        """Prepare; False where this part cannot be taken."""
        raise NotImplementedError

    def u(self, lab: Lab) -> float:
        raise NotImplementedError


class TwoClasses(Simpler):
    """The rows of the two most frequent classes alone."""

    rows = ("R16",)
    changes = "two classes"

    def start(self, lab: Lab) -> bool:
        tapes = main_tapes(lab)
        labels = [value for tape in tapes if (value := _labels(lab, tape)) is not None]
        if not labels:
            return False
        classes, counts = torch.cat(labels).unique(return_counts=True)
        if len(classes) < 3:
            return False
        self.classes = classes[counts.argsort(descending=True)[:2]]
        self.lab = lab
        cut = [Probe(tape, penalties(tape) | self._rows(tape)) for tape in spread(tapes, PROBES)]
        self.probes = [probe for probe in cut if probe.replace]
        self.scale = scale_of(lab, self.probes) if self.probes else None
        return self.scale is not None

    def _rows(self, tape: Tape) -> dict[int, Tensor]:
        labels = _labels(self.lab, tape)
        if labels is None:
            return {}
        rows = torch.isin(labels, self.classes)
        if int(rows.sum()) < 2:
            return {}
        return {
            number: leaf.value[rows]
            for number, leaf in tape.constants().items()
            if leaf.value.dim() and len(leaf.value) == len(labels)
        }

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        return {"replace": self._rows(tape)}

    def u(self, lab: Lab) -> float:
        assert self.scale is not None
        return self.scale.u(loss_of(lab, self.probes))


def _labels(lab: Lab, tape: Tape) -> Tensor | None:
    number = target_number(lab, tape)
    value = tape.leaves[number].value if number is not None else None
    if value is None or value.is_floating_point() or value.dim() != 1:
        return None
    return value


class OneColumn(Simpler):
    """One column of a target of several, the others made constant: whatever reads those is right at once."""

    rows = ("R16",)

    def start(self, lab: Lab) -> bool:
        self.lab, tapes = lab, main_tapes(lab)
        targets = [value for tape in tapes if (value := _columns(lab, tape)) is not None]
        if not targets or len({item.shape[1] for item in targets}) != 1:
            return False
        self.means = torch.cat(targets).mean(0)
        column = _best_read(lab, tapes)
        if column is None:
            return False
        self.column = column
        self.changes = f"column {column} of the target"
        self.probes = [Probe(tape, penalties(tape) | self._alone(tape)) for tape in spread(tapes, PROBES)]
        self.scale = scale_of(lab, self.probes)
        return self.scale is not None

    def _alone(self, tape: Tape) -> dict[int, Tensor]:
        value = _columns(self.lab, tape)
        if value is None:
            return {}
        changed = self.means.expand_as(value).clone()
        changed[:, self.column] = value[:, self.column]
        return {target_number(self.lab, tape): changed}  # type: ignore[dict-item]

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        return {"replace": self._alone(tape)}

    def u(self, lab: Lab) -> float:
        assert self.scale is not None
        return self.scale.u(loss_of(lab, self.probes))


def _columns(lab: Lab, tape: Tape) -> Tensor | None:
    """The target where it has several columns of numbers."""
    number = target_number(lab, tape)
    value = tape.leaves[number].value if number is not None and number in tape.leaves else None
    if value is None or not value.is_floating_point() or value.dim() != 2 or value.shape[1] < 2:
        return None
    return value


def _best_read(lab: Lab, tapes: Sequence[Tape]) -> int | None:
    """The column of the target that the last weights read best."""
    pairs = []
    with lab.at("final"):
        for probe in (Probe(tape) for tape in spread(tapes, PROBES)):
            calls = loss_calls(lab.log(probe.tape, modes=False, **probe.options()))
            if len(calls) != 1 or calls[0].target is None or calls[0].input.shape != calls[0].target.shape:
                return None
            pairs.append((calls[0].input.detach(), calls[0].target.detach()))
    given, wanted = (torch.cat(parts).double() for parts in zip(*pairs, strict=True))
    given, wanted = given - given.mean(0), wanted - wanted.mean(0)
    agreement = (given * wanted).sum(0) / (given.norm(dim=0) * wanted.norm(dim=0)).clamp(min=1e-12)
    return int(agreement.argmax())


class OneTermAlone(Simpler):
    """One term of a loss of several, the others without a gradient."""

    rows = ("R16",)

    def __init__(self, number: int) -> None:
        self.number = number

    def start(self, lab: Lab) -> bool:
        self.probes = [Probe(tape) for tape in spread(main_tapes(lab), PROBES)]
        with lab.at("initial"):
            taken = breakdown(lab, self.probes[0])
        if taken is None or self.number >= len(taken.components):
            return False
        component = taken.components[self.number]
        scales = own_scales(lab, self.probes)
        self.scale = scales[self.number].scale if scales else None
        if component.penalty or self.scale is None:
            return False
        same = [item.name for item in taken.components].count(component.name) > 1  # two terms of one line
        self.changes = f"{component.name} alone" if not same else f"term {self.number + 1}, {component.name}, alone"
        self.only = OneTerm(taken, component)
        return True

    def loss(self, loss: Tensor) -> Tensor:
        return self.only.loss(loss)

    def u(self, lab: Lab) -> float:
        assert self.scale is not None
        found = shares(lab, self.probes)
        return self.scale.u(found[self.number]) if found else U_LIMIT


class SolvesSimplerVersion(Check):
    """The program fails on the whole problem; whether it solves a simpler version narrows the search.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after the recorded steps with the rows of two
        classes alone, with one column of the target alone, or with one term of the loss alone, and with everything, on three
        seeds, where the run failed and no cause is known.
    Why it matters: what solves a part is not broken altogether; what does not even solve a part has a defect elsewhere.
    Fix: start from the version that works, and add classes, heads or terms until it fails.
    Not a fault when: ever: this is a statement, no cause.
    References: the article's reason 16.
    """

    reason = "R16"
    name = "solves-simpler-version"
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        lab, found = case.lab, diagnosis(case)
        if found.ended.train < UNLEARNED:
            raise NotApplicable(f"the program learned ({learned(found.ended.train)} at the end)")
        cause = known_fault(case.findings)
        if found.causes or cause is not None:
            raise NotApplicable("the cause is known")
        if not found.base or lab.time_left() <= 0:
            raise NotChecked(found.not_tried or f"budget of {lab.budget:g} s used up")
        versions = [item for item in (TwoClasses(), OneColumn(), OneTermAlone(0), OneTermAlone(1)) if item.start(lab)]
        if not versions:
            raise NotApplicable("there are fewer than three classes, the target is one column, and the loss is a single term")
        whole = self._whole(lab, found)
        results = {item.changes: self._version(lab, found, item) for item in versions}
        best = min(results, key=lambda name: statistics.median(results[name]))
        reached = statistics.median(results[best])
        numbers = ", ".join(f"{name}: {percent(statistics.median(values))}" for name, values in results.items())
        text = f"learned after {found.steps} steps: {numbers}; everything: {learned(whole)}"
        if whole - reached <= EASIER:
            raise Passed(f"a simpler version is no easier ({text}): look for what all versions have in common")
        yield self.note(
            f"{text}: the program solves a simpler version of the problem, so look at what the whole one adds",
            where=model_place(case),
            evidence=(
                Evidence("u with everything", round(whole, 4), "", "u"),
                *(Evidence(f"u with {name}", round(statistics.median(v), 4), "", "u") for name, v in results.items()),
            ),
            remedy=f"start with {best}, and add the rest piece by piece",
        )

    def _whole(self, lab: Lab, found: Diagnosis) -> float:
        for seed in range(len(found.base), SEEDS):
            found.base.append(run(lab, found, Intervention(), seed, found.steps))
        return statistics.median(item.train for item in found.base)

    def _version(self, lab: Lab, found: Diagnosis, version: Simpler) -> Sequence[float]:
        values: list[float] = []
        thin = 1 if isinstance(version, TwoClasses) else found.thin  # its batches are cut already
        for seed in range(SEEDS):
            seen: list[float] = []

            def measure(seen: list[float] = seen) -> float:
                seen.append(version.u(lab))
                return seen[-1]

            curve = lab.train(version, steps=found.steps, seed=seed, after=measure, thin=thin)
            values.append(seen[-1] if curve.finite else U_LIMIT)
        return values
