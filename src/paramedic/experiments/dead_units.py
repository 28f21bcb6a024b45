"""Layers most of whose units are zero for every sample."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import assess
from paramedic.experiments.interventions import StandardInitialization
from paramedic.experiments.units import DeadUnits, dead_units
from paramedic.experiments.wording import SYMPTOMS, initialization_place
from paramedic.trace.place import Place

MOST_DEAD = 0.5  # of a layer: not once in 56 healthy runs at start or end (prototype); a tenth in 12 of them


class DeadUnitsLayer(Check):
    """Most units of a ReLU layer are zero for every sample: they pass no signal and get no gradient.

    What it measures: per rectifying layer, the share of units that are zero on all probe samples, at the initial
        weights and at those of the end.
    Why it matters: a unit that is zero everywhere has zero gradient, and stays dead.
    Fix: reset the bias or weights that hold the units below zero; if they died in training, lower the learning rate.
    Not a fault when: the run learned with the units it has.
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
        yield self.suspect(
            f"{numbers} at the end of training, and {start.dead} before it",
            where=end.place,
            module=end.path or None,
            evidence=evidence,
            remedy="lower the learning rate, or use a leaky rectifier",
            explains=("S5", "R27", "R17", "S1", "R16", "S6"),
        )


def _origin(case: Case, layer: DeadUnits) -> tuple[Place | None, str | None]:
    """The parameter in front of a dead layer that is far from a standard initialization, and where it is set."""
    remedy = StandardInitialization()
    remedy.why_not(case.lab)
    names = [name for item in layer.feeding if (name := case.setup.parameter_name(item)) is not None]
    off = [name for name in names if name in remedy.changed]
    return (initialization_place(case, off, "offset"), off[0]) if off else (None, None)
