"""A penalty that is the smaller the larger the weights are, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.experiments.counterfactual import (
    GAIN,
    LEAST_STEPS,
    SEEDS,
    Outcome,
    assess,
    interval_of,
    run,
    significant,
)
from paramedic.experiments.interventions import NoPenalty
from paramedic.experiments.lab import Intervention, Lab, Repeatable
from paramedic.experiments.progress import penalties, penalty_share
from paramedic.experiments.wording import SYMPTOMS, learned, percent
from paramedic.trace.place import Place
from paramedic.trace.tape import Tape

FACTORS = (0.5, 1.0, 2.0, 10.0)  # times the weights: what penalizes them rises from some point on, this falls all the way
LEAST_FALL = 0.2  # of the penalty's size, from half to ten times the weights: a constant with a little slope is none
SHARE = 0.4  # of the time left


class PenaltyRewardsLargeWeights(Check):
    """A penalty on the weights falls as they grow, and the network gets less far with it than without.

    What it measures: the part of the loss that is computed from parameters alone, with these 0.5 to 10 times as large, at the
        first and the last weights: it falls all the way (1 / |W|, exp(-|W|), a norm that is subtracted). Then how much is
        learned (0 % = chance, 100 % = perfect) on training and on validation batches in copies with this part and without
        it, on three seeds.
    Why it matters: more regularization has to hold the weights back; this drives them up.
    Fix: penalize the norm itself, with a positive factor.
    Not a fault when: weights are to be kept apart or away from zero on purpose (prototypes, a barrier), and the rest of the
        loss is no worse for it: then nothing is said.
    References: the article's reasons 17 and 18; Krogh and Hertz 1991 for what weight decay is for.
    """

    reason = "R17"
    name = "penalty-rewards-large-weights"
    also = ("R30",)
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        if any(item.check == "penalty-with-wrong-sign" for item in case.findings):
            raise NotApplicable("the penalty has the wrong sign, which is said already")
        lab = case.lab
        rays = [ray for state in ("initial", "final") if (ray := _ray(lab, state)) is not None]
        if not rays:
            raise NotApplicable("the loss has no penalty on the weights")
        if not all(_falls(values) for values, _ in rays):
            raise Passed("the penalty on the weights does not fall as they grow")
        found, remedy = assess(case), NoPenalty()
        if problem := lab.why_no_budget():
            raise NotChecked(problem)
        steps = min(found.total_steps, int(SHARE * lab.time_left() / (2 * SEEDS) / max(1e-4, lab.seconds_per_step)))
        if steps < min(found.total_steps, LEAST_STEPS):
            raise NotChecked(f"budget of {lab.budget:g} s is too small for replays of {LEAST_STEPS} steps")
        with_it = [run(lab, found, Intervention(), seed, steps) for seed in range(SEEDS)]
        without = [run(lab, found, remedy, seed, steps) for seed in range(SEEDS)]
        split, gains = _gains(with_it, without)
        if sum(gains) / SEEDS <= GAIN or not significant(gains):
            raise Passed("the penalty falls as the weights grow, and the rest of the loss is no worse for it")
        before, after = (sorted(getattr(item, split) for item in group)[SEEDS // 2] for group in (with_it, without))
        low, high = (round(item, 4) for item in interval_of(gains))
        proof = Proof(remedy.name, round(before, 4), round(after, 4), (low, high), SEEDS, changed=remedy.changes)
        if split == "train":  # which is what a replay measures
            lab.repeatable.append(Repeatable(proof, steps, len(found.probes)))
        yield self._finding_of(*rays[-1], proof, "training" if split == "train" else split, steps)

    def _finding_of(self, values: list[float], joined: Place | None, proof: Proof, batches: str, steps: int) -> Finding:
        return self.fault(
            f"the penalty on the weights falls as they grow: {values[1]:.3g} now, {values[-1]:.3g} with weights "
            f"{FACTORS[-1]:g} times as large (expected: it rises); {learned(proof.before)} is learned on {batches} batches "
            f"with it after {steps} steps, {percent(proof.after)} without it",
            where=joined,
            evidence=tuple(
                Evidence(f"penalty's part of the loss, weights times {factor:g}", float(f"{value:.3g}"), "rising")
                for factor, value in zip(FACTORS, values, strict=True)
            ),
            remedy="penalize the norm of the weights itself, with a positive factor",
            proof=proof,
            gain=proof.before - proof.after,
            explains=(*SYMPTOMS, "R30", "S2", "R20", "R36", "R37", "R33"),
            exact=True,
        )


def _ray(lab: Lab, state: str) -> tuple[list[float], Place | None] | None:
    """The penalty's part of the loss with its weights times FACTORS, and the line where it joins the loss."""
    tape = lab.main_backward.tape
    assert tape is not None
    numbers = set(penalties(tape))
    parameters = [item for item in _weights(tape, numbers) if item.dim() >= 2]
    if not parameters:
        return None
    joins = next((node.place for node in tape.nodes if numbers & set(node.inputs())), None)
    values = []
    for factor in FACTORS:
        with lab.at(state):
            with torch.no_grad():
                for item in parameters:
                    item.mul_(factor)
            values.append(penalty_share(tape))
    return values, joins


def _weights(tape: Tape, numbers: set[int]) -> list[Tensor]:
    """The parameters that some values of a tape are computed from."""
    needed = set(numbers)
    for node in reversed(tape.nodes):
        if needed & {number for number in node.outputs if number is not None}:
            needed.update(node.inputs())
    return [leaf.value for number, leaf in tape.leaves.items() if leaf.parameter and number in needed]


def _falls(values: list[float]) -> bool:
    if not all(math.isfinite(value) for value in values):
        return False
    falling = all(later < earlier for earlier, later in zip(values, values[1:], strict=False))
    return falling and values[0] - values[-1] > LEAST_FALL * abs(values[0])


def _gains(with_it: list[Outcome], without: list[Outcome]) -> tuple[str, list[float]]:
    """Where the difference is larger, and how large it is by seed: of training, or of validation batches."""
    both = {
        split: [getattr(own, split) - getattr(other, split) for own, other in zip(with_it, without, strict=True)]
        for split in ("train", "validation")
    }
    kept = {split: gains for split, gains in both.items() if all(math.isfinite(item) for item in gains)}
    best = max(kept, key=lambda split: sum(kept[split]), default="train")
    return best, both[best]
