"""Layers most of whose units are zero for every sample."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor
from torch.overrides import TorchFunctionMode

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import GAIN, SEEDS, Diagnosis, assess, known, significant
from paramedic.experiments.going_on import resumed
from paramedic.experiments.interventions import StandardInitialization
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.operations import operation_name
from paramedic.experiments.units import RECTIFIERS, DeadUnits, dead_units
from paramedic.experiments.wording import SYMPTOMS, initialization_place, percent
from paramedic.trace.place import Place

MOST_DEAD = 0.5  # of a layer: not once in 56 healthy runs at start or end (prototype); a tenth in 12 of them
SLOPE = 0.01  # below zero: that of torch.nn.LeakyReLU (Maas et al. 2013)
STEPS = 60  # the horizon of the prototypes' replays
LEAST_STEPS = 20  # as of the other replays
SHARE = 0.25  # of the time left


class DeadUnitsLayer(Check):
    """Most units of a ReLU layer are zero for every sample: they pass no signal and get no gradient.

    What it measures: per rectifying layer, the share of units that are zero on all probe samples, at the initial
        weights and at those of the end. Where some units of a layer died on the way, and not all: how much further training
        gets from the last weights with leaky rectifiers in the place of all rectifiers than unchanged, on three seeds.
    Why it matters: a unit that is zero everywhere has zero gradient, and stays dead.
    Fix: reset the bias or weights that hold the units below zero; if they died in training, lower the learning rate.
    Not a fault when: the run learned with the units it has, or learns no better with all of them (features may be sparse).
    References: the article's reason 33; Maas et al. 2013; Lu et al., "Dying ReLU", 2019.
    """

    reason = "R33"
    name = "dead-units"
    needs = ("replay",)
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        found = assess(case)
        if not found.failing:
            return
        last = dead_units(case.lab, found.probes, "final")
        if not last:
            raise NotApplicable("no rectifying layer with at least four units")
        first = dead_units(case.lab, found.probes, "initial")
        pairs = list(zip(first, last, strict=False))
        dead = [(start, end) for start, end in pairs if end.share > MOST_DEAD]
        if not dead:
            return
        start, end = max(dead, key=lambda pair: (pair[0].share, pair[1].share))
        numbers = f"{end.dead} of {end.units} units of {end.path or 'a layer'} are zero for all {end.samples} samples"
        evidence = tuple(
            Evidence(
                f"dead units of {b.path or 'a layer'}, at the start and at the end",
                [a.dead, b.dead],
                f"0 of {b.units}",
            )
            for a, b in dead
        )
        place, module = _origin(case, start) if start.share > MOST_DEAD else (None, None)
        if module is not None:
            yield self.fault(
                f"{numbers} at the end of training, and {start.dead} before its first step: {module} holds them below "
                "zero, and they get no gradient",
                where=place,
                module=module,
                evidence=evidence,
                remedy="initialize biases at zero and weights around zero, so that about half of the units fire",
                explains=(*SYMPTOMS, "R28", "R36", "R02", "R23"),
                exact=True,
            )
            return
        numbers += f" at the end of training, and {start.dead} before it"
        if end.share < 1:  # a layer that is dead as a whole passes nothing on
            unchanged, leaky, steps = _gone_on(case, found)
            gains = [known(one) - known(other) for one, other in zip(unchanged, leaky, strict=True)]
            numbers += (
                f": {percent(statistics.median(unchanged))} is learned when training goes on for {steps} steps, and "
                f"{percent(statistics.median(leaky))} with leaky rectifiers"
            )
            if not (statistics.fmean(gains) > GAIN and significant(gains)):
                raise Passed(f"{numbers} (expected {percent(1 - GAIN)} more, if the units were missed)")
            evidence = (
                *evidence,
                Evidence(f"u after {steps} more steps, unchanged, by seed", _rounded(unchanged), "", "u"),
                Evidence(f"u after {steps} more steps with leaky rectifiers, by seed", _rounded(leaky), "", "u"),
            )
        yield self.suspect(
            numbers,
            where=end.place,
            module=end.path or None,
            evidence=evidence,
            remedy="lower the learning rate, or use a leaky rectifier",
            explains=("S5", "R27", "R17", "S1", "R16", "S6"),
        )


class LeakyRectifiers(Intervention):
    """Every rectifier lets a part of what is below zero through, so that no unit is without a gradient."""

    rows = ("R33",)
    changes = "leaky rectifiers"
    name = "leaky-rectifiers"

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        with _Leaky():
            yield


class _Leaky(TorchFunctionMode):
    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        value = args[0] if args else kwargs.get("input")
        if operation_name(func) in RECTIFIERS and isinstance(value, Tensor) and value.requires_grad:
            leak = SLOPE * value.clamp(max=0)  # first, as the rectifier may write to its argument
            return func(*args, **kwargs) + leak
        return func(*args, **kwargs)


def _gone_on(case: Case, found: Diagnosis) -> tuple[list[float], list[float], int]:
    """u by seed after some more steps from the last weights, unchanged and with leaky rectifiers, and how many steps."""
    lab = case.lab
    if problem := lab.why_no_budget():
        raise NotChecked(problem)
    seconds = SHARE * lab.time_left() / (2 * SEEDS)
    lab.train(steps=LEAST_STEPS, state="final")  # what a step costs
    steps = min(STEPS, max(LEAST_STEPS, int(seconds / max(1e-4, lab.seconds_per_step))))
    return resumed(case, found, Intervention(), steps), resumed(case, found, LeakyRectifiers(), steps), steps


def _rounded(values: list[float]) -> list[float]:
    return [round(value, 4) for value in values]


def _origin(case: Case, layer: DeadUnits) -> tuple[Place | None, str | None]:
    """The parameter in front of a dead layer that is far from a standard initialization, and where it is set."""
    remedy = StandardInitialization()
    remedy.why_not(case.lab)
    names = [name for item in layer.feeding if (name := case.setup.parameter_name(item)) is not None]
    off = [name for name in names if name in remedy.changed]
    return (initialization_place(case, off, "offset"), off[0]) if off else (None, None)
