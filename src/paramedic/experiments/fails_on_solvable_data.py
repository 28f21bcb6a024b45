"""The program's own code on data that are known to be solvable."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.cannot_overfit_tiny_set import UNLEARNED
from paramedic.experiments.counterfactual import SEEDS, Diagnosis, diagnosis, known_fault
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.progress import (
    U_LIMIT,
    Probe,
    input_numbers,
    loss_of,
    main_tapes,
    penalties,
    spread,
    target_number,
)
from paramedic.experiments.wording import learned, model_place, percent
from paramedic.measurements.surrogates import surrogate
from paramedic.trace.tape import Tape

PROBES = 4
HELD_OUT = 1


class SolvableInputs(Intervention):
    """Inputs from which the recorded targets can be told, in the place of the recorded inputs."""

    rows = ("A1",)

    def __init__(self, lab: Lab, own_scale: bool) -> None:
        self.lab = lab
        self.own_scale = own_scale
        self.changes = "solvable data in the input's own scale" if own_scale else "solvable data, standardized"
        self._made: dict[tuple[int, int], dict[int, Tensor]] = {}

    def inputs(self, tape: Tape, seed: int = 0) -> dict[int, Tensor]:
        """Values for ``Tape.run``'s ``replace``; empty where the batch has no input or target to do it with."""
        key = (id(tape), seed)
        if key not in self._made:
            numbers, target = input_numbers(tape), target_number(self.lab, tape)
            value = None
            if len(numbers) == 1 and target is not None and target != numbers[0]:
                own, wanted = (tape.leaves[number].value.cpu() for number in (numbers[0], target))
                value = surrogate(own, wanted, len(self._made), self.own_scale)  # other noise for every batch
            self._made[key] = {} if value is None else {numbers[0]: value}
        return self._made[key]

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        return {"replace": self.inputs(tape)}


class FailsOnSolvableData(Check):
    """The program fails; whether its code learns data that are known to be solvable tells where to look.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) on held-out batches after the recorded steps
        with the program's own network, loss and optimizer, where the inputs are made so that the recorded targets can
        be told from them: a pattern for each class or target with noise, in the shape, type and scale of the program's
        own inputs, and standardized; on three seeds. Only where the run failed and no cause is known.
    Why it matters: code that fails on easy data is broken whatever the data are; code that learns them is not.
    Fix: if the code fails, look at the model, the loss and the optimizer; if it learns, at the inputs and the targets.
    Not a fault when: ever: this is a statement, no cause.
    References: the article's addition to its 37 reasons: a standard data set instead of one's own.
    """

    reason = "A1"
    name = "fails-on-solvable-data"
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        lab, found = case.lab, diagnosis(case)
        cause = known_fault(case.findings)
        if found.causes or cause is not None:
            raise NotApplicable("the cause is known")
        if found.ended.train < UNLEARNED:
            raise Passed(f"the code learned its own data ({learned(found.ended.train)} at the end)")
        if not found.base or lab.time_left() <= 0:
            raise NotChecked(found.not_tried or f"budget of {lab.budget:g} s used up")
        own = SolvableInputs(lab, own_scale=True)
        example = own.inputs(main_tapes(lab)[0])
        if not example:
            raise NotApplicable("for this kind of input and target no solvable data are known")
        results = {own.changes: learned_of_solvable(lab, found, own, found.steps)}
        numeric = all(value.is_floating_point() for value in example.values())
        if results[own.changes] >= UNLEARNED and numeric:
            standardized = SolvableInputs(lab, own_scale=False)
            results[standardized.changes] = learned_of_solvable(lab, found, standardized, found.steps)
        numbers = ", ".join(f"{name}: {learned(value)}" for name, value in results.items())
        yield self.note(
            f"after {found.steps} steps {numbers} (own data: {percent(found.ended.train)} at the end of the run): "
            f"{_reading(list(results.values()))}",
            where=model_place(case),
            evidence=tuple(Evidence(f"u with {name}", round(value, 4), "", "u") for name, value in results.items()),
        )


def _reading(values: list[float]) -> str:
    if values[0] < UNLEARNED:
        return "the code learns solvable data, so look at the inputs and the targets"
    if values[-1] < UNLEARNED:
        return "the code learns solvable data once they are standardized, so look at the scale of the inputs"
    return "the code fails on easy data as well, so look at the model, the loss and the optimizer"


def learned_of_solvable(lab: Lab, found: Diagnosis, change: SolvableInputs, steps: int) -> float:
    """Median over the seeds of u on held-out solvable batches, after so many of the recorded steps."""
    tapes = spread(main_tapes(lab), PROBES)
    probes = [Probe(tape, penalties(tape) | change.inputs(tape, HELD_OUT)) for tape in tapes]
    reached: list[float] = []

    def measure() -> float:
        reached.append(found.scale.u(loss_of(lab, probes)))
        return reached[-1]

    values = []
    for seed in range(SEEDS):
        curve = lab.train(change, steps=steps, seed=seed, after=measure, thin=found.thin)
        values.append(reached[-1] if curve.finite and reached else U_LIMIT)
        if lab.time_left() <= 0:
            break
    return statistics.median(values)
