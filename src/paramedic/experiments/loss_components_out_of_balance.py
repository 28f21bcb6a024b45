"""A loss whose terms are so differently weighted that one of them is not learned."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import (
    GAIN,
    LEAST_STEPS,
    SEEDS,
    SHARE_OF_BEST,
    Outcome,
    Trial,
    assess,
    confounding,
)
from paramedic.experiments.interventions import LearningRate, batch_size
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.loss_components import (
    BALANCED,
    Breakdown,
    Component,
    OwnScale,
    Reweighted,
    breakdown,
    decades,
    gradients,
    has_target,
    own_scales,
    shares,
)
from paramedic.experiments.progress import U_LIMIT, Probe, main_tapes, spread
from paramedic.experiments.wording import SYMPTOMS, learned, percent

# Prototype (row 20): ratios of 2.9 and 4.9 decades ruined the smaller task, -.6 was healthy, -1.6 mild; a VAE .52.
DECADES = 1.5
# In u: what the larger component may lose in a run as short as the replay, and as a share of what the smaller gains.
HARM, HARM_SHARE = 0.3, 0.5
RESTORED = GAIN  # of the smaller component: as much as a remedy of the whole loss needs
STARVED = RESTORED  # u of the smaller component at the end of the run: below it there is not enough to restore
# Decades between the ratio of what two terms can fall by and that of their gradients, from which both are tried.
OTHER_BALANCE = 0.5
LEARNED = 0.8  # u of the larger component where the smaller one's weight is raised
ROWS, MOST_PROBES = 128, 6  # batches on which the terms are measured: enough for so many rows
MOST_STEPS = 400  # of a replay, and no more than the program made: a decoder needs some hundreds
TIMED = 5  # steps that show what a step costs
SHARE_OF_TIME = 0.5  # of what is left, for the six replays and what is tried beside them


@dataclass(frozen=True)
class Imbalance:
    """``large``'s gradient is ``ratio`` decades larger than ``small``'s at the parameters that they share."""

    large: int
    small: int
    ratio: float


@dataclass(eq=False)
class Replays:
    """u of the small and of the large component by seed, unchanged and with one weight changed."""

    change: Reweighted
    base: list[tuple[float, float]] = field(default_factory=list)
    changed: list[tuple[float, float]] = field(default_factory=list)

    def trial(self, ended: float) -> Trial:
        return Trial(
            self.change,
            [Outcome(small, math.nan) for small, _ in self.changed],
            [Outcome(small, math.nan) for small, _ in self.base],
            Outcome(ended, math.nan),
        )

    def harm(self) -> float:
        """How much worse the large component is for it."""
        return statistics.fmean(
            own[1] - base[1] for own, base in zip(self.changed, self.base, strict=False)
        )


class LossComponentsOutOfBalance(Check):
    """One term of the loss drowns another: the smaller one is not learned.

    What it measures: the gradient of every term of the loss at the parameters that they share, before training; where
        one is more than 1.5 decades larger, how much of the smaller term is learned (0 % = chance, 100 % = perfect)
        after replays with the weights balanced, on three seeds.
    Why it matters: the optimizer sees the sum alone; a term a thousand times smaller has no say in it.
    Fix: choose the weights so that the terms' gradients are of the same size, then tune them.
    Not a fault when: the smaller term is learned all the same, or could not be learned with other weights either; or it
        compares with nothing (a regularizer of activations), where the larger one has a target.
    References: the article's reason 20; Chen et al., "GradNorm", 2018.
    """

    reason = "R20"
    name = "loss-components-out-of-balance"
    needs = ("replay", "budget")
    cost = "experiment"
    early = True

    def examine(self, case: Case) -> Iterator[Finding]:
        lab = case.lab
        count = max(2, min(MOST_PROBES, ROWS // max(1, batch_size(lab))))
        probes = [Probe(tape) for tape in spread(main_tapes(lab), count)]
        start = _taken_apart(lab, probes[:1], "initial")
        if not start:
            raise NotApplicable("the loss is a single term")
        if sum(not item.penalty for item in start[0].components) < 2:
            raise NotApplicable("the loss is a single term besides a penalty on the weights (row R30)")
        with lab.spending():
            uneven = imbalances(lab, probes)
        if not uneven:
            return
        assess(case)
        confounder = confounding(case.findings)
        if confounder is not None:
            raise NotChecked(f"{confounder.reason} {confounder.check} has to be fixed first")
        with lab.spending():
            scales = own_scales(lab, probes)
            ended = _progress(lab, probes, scales, "final") if scales else None
        if scales is None or ended is None:
            raise NotChecked("the terms of the loss could not be measured one by one")
        for item in uneven:
            if scales[item.small].scale is None or ended[item.small] < STARVED:
                continue
            if not has_target(start[0], item.small) and has_target(start[0], item.large):
                continue  # a regularizer, whose weight is meant to be small
            replays = self._balanced(case, probes, start[0], item, scales, ended)
            if replays is not None:
                lab._cache[BALANCED] = replays.change
                yield self._finding_of(case, start[0], item, scales, ended, replays)
                return

    def _balanced(
        self,
        case: Case,
        probes: Sequence[Probe],
        start: Breakdown,
        item: Imbalance,
        scales: Sequence[OwnScale],
        ended: Sequence[float],
    ) -> Replays | None:
        """The replays that prove the imbalance; None if no balance helps."""
        lab = case.lab
        steps, wanted = affordable_steps(lab)
        base: list[tuple[float, float]] = []
        for change in _changes(start, item, scales):
            if change.factor > 1 and not ended[item.large] < LEARNED:
                continue  # nothing is learned: more of the same is the learning rate's business
            found = Replays(change, base)
            for seed in range(SEEDS):
                if len(base) <= seed:
                    base.append(_replayed(lab, probes, scales, item, Intervention(), seed, steps))
                found.changed.append(_replayed(lab, probes, scales, item, change, seed, steps))
                gain = found.trial(ended[item.small]).gain
                if gain < RESTORED or found.harm() > _harm(scales, item, gain):
                    break
                if seed == 0 and self._rate_does_it_too(lab, probes, scales, item, change, gain, base[0][0], steps):
                    break
            else:
                if found.trial(ended[item.small]).significant():
                    return found
        if steps < wanted:
            raise NotChecked(f"balancing the terms showed nothing in the {steps} steps that the budget allows")
        return None

    def _rate_does_it_too(
        self,
        lab: Lab,
        probes: Sequence[Probe],
        scales: Sequence[OwnScale],
        item: Imbalance,
        change: Reweighted,
        gain: float,
        base: float,
        steps: int,
    ) -> bool:
        """Whether the same factor on the learning rate restores the small term: then the rate is the cause."""
        if change.factor > 1:
            return False
        small, _ = _replayed(lab, probes, scales, item, LearningRate(change.factor), 0, steps)
        return base - small > SHARE_OF_BEST * gain

    def _finding_of(
        self,
        case: Case,
        start: Breakdown,
        item: Imbalance,
        scales: Sequence[OwnScale],
        ended: Sequence[float],
        replays: Replays,
    ) -> Finding:
        large, small = start.components[item.large], start.components[item.small]
        trial = replays.trial(ended[item.small])
        changed = large if replays.change.factor < 1 else small
        evidence = [
            Evidence(
                "gradient at the shared parameters, larger over smaller term",
                round(item.ratio, 2),
                f"below {DECADES}",
                "decades",
            ),
            _weight("weight of the larger term", large, replays.change if changed is large else None),
            _weight("weight of the smaller term", small, replays.change if changed is small else None),
            *_computed_at(changed),
            Evidence("u of the smaller term at the end of the run", round(ended[item.small], 4), f"below {STARVED}", "u"),
            Evidence("u of the smaller term, balanced", round(trial.after(), 4), "", "u"),
        ]
        if scales[item.large].scale is not None:
            own, base = (statistics.median(pair[1] for pair in pairs) for pairs in (replays.changed, replays.base))
            evidence += [
                Evidence("u of the larger term in the replay, unchanged", round(base, 4), "", "u"),
                Evidence("u of the larger term in the replay, balanced", round(own, 4), "", "u"),
            ]
        return self.fault(
            f"the gradient of {large.name} is {10**item.ratio:.2g} times that of {small.name} where they meet, and the "
            f"smaller one is not learned: {learned(ended[item.small])} at the end of the run, and "
            f"{percent(trial.after())} in the replay with {trial.remedy.changes}",
            where=changed.joined,
            evidence=tuple(evidence),
            remedy=f"multiply the weight of {changed.name} by about {replays.change.factor:.1g}, and tune it from there",
            proof=trial.proof(),
            gain=trial.gain,
            explains=SYMPTOMS,
        )


def _weight(name: str, term: Component, change: Reweighted | None) -> Evidence:
    """A term's weight, and the one that balances it where this is the one to change."""
    weight = abs(term.weight)
    balanced = f"about {weight * change.factor:.2g}" if change is not None else ""
    return Evidence(name, float(f"{weight:.3g}"), balanced)


def _computed_at(term: Component) -> tuple[Evidence, ...]:
    place = term.operation.place if term.operation is not None and not term.penalty else None
    return (Evidence("the term to weight otherwise is computed at", str(place)),) if place is not None else ()


def _taken_apart(lab: Lab, probes: Sequence[Probe], state: str) -> list[Breakdown]:
    with lab.at(state):
        found = [breakdown(lab, probe) for probe in probes]
    return [item for item in found if item is not None]


def imbalances(lab: Lab, probes: Sequence[Probe]) -> list[Imbalance]:
    """Pairs of terms at the initial weights, largest ratio first: medians over the probes.

    At the last weights a term that has been learned has a small gradient: that is no imbalance.
    """
    found: dict[tuple[int, int], list[float]] = {}
    with lab.at("initial"):
        parameters = [item for item in lab.parameters() if item.requires_grad]
        for probe in probes:
            taken = breakdown(lab, probe)
            if taken is None:
                continue
            grads = gradients(taken, parameters)
            for pair in _pairs(taken.components):
                ratio = decades(grads[pair[0]], grads[pair[1]])
                if ratio is not None:
                    found.setdefault(pair, []).append(ratio)
    apart = [Imbalance(*pair, statistics.median(ratios)) for pair, ratios in found.items()]
    return sorted((item for item in apart if item.ratio > DECADES), key=lambda item: -item.ratio)


def _pairs(components: Sequence[Component]) -> Iterator[tuple[int, int]]:
    numbers = [number for number, item in enumerate(components) if not item.penalty]
    yield from ((a, b) for a in numbers for b in numbers if a != b)


def _changes(start: Breakdown, item: Imbalance, scales: Sequence[OwnScale]) -> list[Reweighted]:
    """The weight that is farther from 1 first; the other one helps where the rate was chosen for the term at hand.

    Where the terms can fall by amounts that differ even more than their gradients (a squared error of a target in other
    units: the gradient of the smaller one vanishes as it is learned, that of the larger one does not), balance is there.
    No data enter a large term without a scale; its gradient grows when it gives way, so that balance is farther off.
    """
    large, small = start.components[item.large], start.components[item.small]
    ranges = [scales[number].scale for number in (item.large, item.small)]
    if ranges[0] is None:
        return [Reweighted(start, large, 10.0**-ratio) for ratio in (item.ratio + 1, item.ratio)]
    assert ranges[1] is not None
    ratios = [item.ratio]
    values = math.log10(ranges[0].constant - ranges[0].minimum) - math.log10(ranges[1].constant - ranges[1].minimum)
    if values > item.ratio + OTHER_BALANCE:
        ratios.append(values)
    too_large, too_small = math.log10(abs(large.weight) or 1.0), -math.log10(abs(small.weight) or 1.0)
    sides = [(small, 1.0), (large, -1.0)] if too_small > too_large else [(large, -1.0), (small, 1.0)]
    return [Reweighted(start, term, 10.0 ** (sign * ratio)) for ratio in ratios for term, sign in sides]


def _progress(lab: Lab, probes: Sequence[Probe], scales: Sequence[OwnScale], state: str) -> list[float] | None:
    """u of every term; nan for those that have no scale."""
    with lab.at(state):
        values = shares(lab, probes)
    if values is None:
        return None
    return [
        scale.scale.u(value) if scale.scale is not None else math.nan
        for scale, value in zip(scales, values, strict=True)
    ]


def _replayed(
    lab: Lab,
    probes: Sequence[Probe],
    scales: Sequence[OwnScale],
    item: Imbalance,
    change: Intervention,
    seed: int,
    steps: int,
) -> tuple[float, float]:
    """u of the small and of the large term after a replay."""
    seen: list[float] = []

    def measure() -> float:
        seen.extend(_progress(lab, probes, scales, "same") or [])
        return 0.0

    curve = lab.train(change, steps=steps, seed=seed, after=measure)
    if not curve.finite or not seen:
        return U_LIMIT, U_LIMIT
    return seen[item.small], seen[item.large]


def _harm(scales: Sequence[OwnScale], item: Imbalance, gain: float) -> float:
    """How much worse the large term may get; what no data enter (a divergence, an activity penalty) may give way."""
    return min(HARM, HARM_SHARE * gain) if scales[item.large].scale is not None else math.inf


def affordable_steps(lab: Lab) -> tuple[int, int]:
    """Steps of a replay that the budget allows, and that are wanted; by processor time, for a busy machine must not
    change a verdict."""
    total = max(1, sum(record.steps for record in lab.setup.optimizers))
    wanted = min(MOST_STEPS, max(len(lab.setup.steps), total))
    began = time.thread_time()
    lab.train(steps=TIMED)
    cost = (time.thread_time() - began) / TIMED
    steps = int(min(wanted, SHARE_OF_TIME * lab.time_left() / max(1e-4, cost) / (2 * SEEDS)))
    if steps < min(LEAST_STEPS, wanted):
        raise NotChecked(f"budget of {lab.budget:g} s used up")
    return steps, wanted
