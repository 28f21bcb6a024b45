"""A term of the loss that is subtracted where it should be added."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.experiments.going_on import rounded
from paramedic.experiments.lab import Curve, Lab, Repeatable
from paramedic.experiments.loss_components import (
    Breakdown,
    Component,
    Reweighted,
    endless_terms,
    rest_and_share,
)
from paramedic.experiments.progress import Probe, main_tapes, spread
from paramedic.experiments.wording import SYMPTOMS

PROBES = 4
SEEDS = 3
MOST_STEPS, MOST_PASSES = 150, 5  # of a replay; of the recorded steps
TURNED = "turned-term-"  # and its number: the name of the experiment for `paramedic replay`
# Of the rest of the loss at the beginning, by which it must be smaller with the other sign: as a remedy's gain in u.
LEAST_GAIN = 0.1


class TermWithWrongSign(Check):
    """One term of the loss has the wrong sign: it falls without end and drags the others along.

    What it measures: which parts of the sum compare with no data (a divergence from a prior, an activity penalty), fall
    without end when what they are computed from is free, and have a floor with the other sign; what they have become in the
    run; and how small the rest of the loss gets in copies that are trained with either sign, on three seeds.
    Why it matters: the optimizer earns more from that term than from the data: the network learns to make it large.
    Fix: turn the sign of the term.
    Not a fault when: a term is to grow on purpose (entropy, distance between prototypes) and does not outweigh the data: then
        the rest gains nothing from the other sign.
    References: the article's reason 18; Kingma and Welling 2014, appendix B, for the sign of a variational autoencoder's term.
    """

    reason = "R18"
    name = "term-with-wrong-sign"
    needs = ("replay",)
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        lab = case.lab
        probes = _probes(lab)
        terms = turned_terms(lab, probes)
        if terms is None:
            raise NotApplicable("the loss is no sum of a comparison with data and another term")
        for turned in terms:
            yield from self._judged(lab, turned, probes)

    def _judged(self, lab: Lab, turned: Turned, probes: Sequence[Probe]) -> Iterator[Finding]:
        component = turned.component
        (_, before), (rest, after) = (_at(lab, state, probes, component) for state in ("initial", "final"))
        if not np.isfinite([before, after, rest]).all() or after >= min(before, 0.0) or -after < abs(rest):
            return  # the run has not made it large
        proof = None
        if lab.why_no_budget() is None:
            proof, _ = with_either_sign(lab, turned, probes, min(MOST_STEPS, len(lab.setup.steps) * MOST_PASSES))
            start, _ = _at(lab, "initial", probes, component)
            if proof.before - proof.after < LEAST_GAIN * abs(start) or proof.interval[1] >= 0:
                return
        effect = ""
        if proof is not None:
            effect = f"; with the other sign the rest of the loss gets to {proof.after:.3g} instead of {proof.before:.3g}"
        say = self.fault if proof is not None else self.suspect
        where = component.operation.place if component.operation is not None else None
        yield say(
            f"the term {component.name} is pushed to {after:.3g} (from {before:.3g}) while the rest of the loss is "
            f"{rest:.3g}: it has no floor, and would have one with the other sign{effect}: turn its sign",
            where=where or component.joined,
            evidence=(
                Evidence("the term's part of the loss, last weights", float(f"{after:.3g}"), "not below 0"),
                Evidence("the rest of the loss, last weights", float(f"{rest:.3g}")),
            ),
            remedy="turn the sign of the term",
            proof=proof,
            explains=(*SYMPTOMS, "R17", "R20", "R37", "R33"),
            gain=None if proof is None else proof.before - proof.after,
            exact=proof is not None,
        )


class Turned(Reweighted):
    """A term with its other sign."""

    def __init__(self, found: Breakdown, component: Component, number: int) -> None:
        super().__init__(found, component, -1.0)
        self.component = component
        self.changes = f"the sign of {component.name} turned"
        self.experiment = f"{TURNED}{number}"


def turned_terms(lab: Lab, probes: Sequence[Probe]) -> list[Turned] | None:
    """Of the terms that fall without end; None where the loss is no such sum."""
    with lab.at("initial"):
        terms = endless_terms(lab, probes[0]) if probes else None
    return [Turned(terms[0], item, number) for number, item in enumerate(terms[1])] if terms is not None else None


def _probes(lab: Lab) -> list[Probe]:
    return [Probe(tape) for tape in spread(main_tapes(lab), PROBES)]


def _at(lab: Lab, state: str, probes: Sequence[Probe], component: Component) -> tuple[float, float]:
    """The rest of the loss, and the component's part of it."""
    with lab.at(state):
        values = [rest_and_share(lab, probe, component) for probe in probes]
    return statistics.fmean(rest for rest, _ in values), statistics.fmean(share for _, share in values)


def with_either_sign(lab: Lab, turned: Turned, probes: Sequence[Probe], steps: int) -> tuple[Proof, list[Curve]]:
    """The rest of the loss after some steps with the term as it is, and turned round; the curves of the first seed."""

    def rest() -> float:
        return statistics.fmean(rest_and_share(lab, probe, turned.component)[0] for probe in probes)

    curves: list[tuple[Curve, Curve]] = []
    for seed in range(1, SEEDS + 1):
        own = lab.train(steps=steps, seed=seed, after=rest)
        curves.append((own, lab.train(turned, steps=steps, seed=seed, after=rest)))
        if lab.time_left() <= 0:
            break
    differences = sorted(rounded(other.evaluated - own.evaluated) for own, other in curves)
    before, after = (rounded(statistics.median(pair[side].evaluated for pair in curves)) for side in (0, 1))
    proof = Proof(
        turned.experiment, before, after, (differences[0], differences[-1]), len(curves), "rest of the loss", turned.changes
    )
    lab.repeatable.append(Repeatable(proof, steps, 0, whole=False))
    return proof, list(curves[0])


def turned_again(lab: Lab, name: str, steps: int) -> tuple[Proof, list[Curve]]:
    """The same experiment, from its name."""
    probes = _probes(lab)
    found = next((item for item in turned_terms(lab, probes) or () if item.experiment == name), None)
    if found is None:
        raise NotChecked("the loss has no such term this time")
    return with_either_sign(lab, found, probes, steps)
