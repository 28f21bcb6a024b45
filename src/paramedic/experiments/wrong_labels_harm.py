"""Decides about doubted labels: copies trained without their rows, against copies without as many random ones."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed, Refuted
from paramedic.checks.data.predicted import answers
from paramedic.checks.data.probes import probes_of
from paramedic.checks.data.samples import Batch, batches, class_labels, rows
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.experiments.counterfactual import (
    LEAST_STEPS,
    SEEDS,
    Diagnosis,
    Outcome,
    assess,
    interval_of,
    outcome,
    run,
    significant,
)
from paramedic.experiments.lab import Intervention, row_constants
from paramedic.experiments.wording import learned, percent
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.label_noise import Disagreement
from paramedic.measurements.data.pairing import Hashes
from paramedic.trace.tape import Tape

COVERED = 0.5  # of the recorded rows: those that the probes have looked at (they take so many rows, and not all)
MOST_STEPS = 300  # memorizing wrong labels takes longer than the first steps
TIME_SHARE = 0.4  # of what is left for experiments
# In u on validation batches; without random rows the same copies differ by 0.02 and less between seeds.
LEAST_GAIN = 0.05
# Of the doubted labels that copies give which were not trained on these rows: above it the probes, not the labels, are wrong.
# A lower 99 % limit: 0.00 to 0.08 for flipped labels (3 programs), 0.95 for tones of which probes know little. 2026-11.
CONFIRMED = 0.5


class WithoutRows(Intervention):
    """The recorded batches with some rows replaced by others of the same batch, in all that has one entry for each row."""

    rows = ("R06",)

    def __init__(self, recorded: tuple[Batch, ...], keys: Hashes, what: str) -> None:
        self.changes = f"without {len(keys)} {what} rows"
        self.name = f"without-{what}-rows"
        self.chosen: dict[int, Tensor] = {}
        for batch in recorded:
            out = np.isin(row_hashes(batch.inputs), keys)
            if out.any() and not out.all():
                kept = np.flatnonzero(~out)
                order = np.arange(len(out))
                order[out] = np.resize(kept, int(out.sum()))
                self.chosen[id(batch.tape)] = torch.from_numpy(order)

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        order = self.chosen.get(id(tape))
        if order is None:
            return {}
        values = {number: tape.leaves[number].value for number in row_constants(tape)}
        return {"replace": {number: value[order.to(value.device)] for number, value in values.items()}}


@dataclass(eq=False)
class Retrained:
    """Outcomes by seed of copies trained without random rows, and without the doubted ones; ``confirmed``: of the doubted
    rows, how many (``wrong``) are given the label that they carry by copies that have not met them."""

    steps: int
    doubted: int
    random: list[Outcome] = field(default_factory=list)
    cleaned: list[Outcome] = field(default_factory=list)
    confirmed: list[Disagreement] = field(default_factory=list)

    def gains(self) -> list[float]:
        return [one.validation - other.validation for one, other in zip(self.random, self.cleaned, strict=True)]


class WrongLabelsHarm(Check):
    """Training gets better without the rows whose labels are doubted, and not without as many others.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) on validation batches after copies are trained
        from the first weights without the rows whose label every probe contradicts, and without as many random rows of the
        same classes, with the same batches and on three seeds; only where noisy-labels has raised a suspicion. Where
        classes overlap, such rows are right, and a network does no better without them. Where copies that have not met the
        doubted rows give most of them the label that they carry, the probes are wrong, and the suspicion is taken back.
    Why it matters: it tells wrong labels from a hard task, which look alike in the data.
    Fix: look at the listed rows; correct or drop wrong ones.
    Not a fault when: validation labels are wrong in the same way: then it cannot decide, and a suspicion is left.
    References: the article's reason 6; Northcutt, Jiang and Chuang 2021 (learning with the doubted rows left out).
    """

    reason = "R06"
    name = "wrong-labels-harm"
    needs = ("rows", "replay", "budget")
    cost = "experiment"
    decides = "noisy-labels"

    def examine(self, case: Case) -> Iterator[Finding]:
        suspicion = next((item for item in case.findings if item.check == self.decides), None)
        if suspicion is None:
            raise NotApplicable("no labels are doubted")
        assessed = assess(case)
        found = retrained(case, assessed)
        least = [item.least for item in found.confirmed]
        if least and min(least) > CONFIRMED:
            raise Refuted(
                f"copies that were not trained on the {found.doubted} doubted rows give {min(least):.0%} of them or more the "
                "label that they carry: the probes are wrong, not the labels"
            )
        if not assessed.validation:
            raise NotChecked("no validation batches that fit the training loss were recorded")
        gains = found.gains()
        gain, (low, high) = statistics.fmean(gains), interval_of(gains)
        before, after = (statistics.median(item.validation for item in part) for part in (found.random, found.cleaned))
        if gain <= LEAST_GAIN or not significant(gains):
            raise Passed(
                f"without the {found.doubted} doubted rows {learned(after)} on validation batches, without as many random ones "
                f"{percent(before)}: wrong labels, if they are, do no harm in {found.steps} steps"
            )
        yield self.fault(
            f"{suspicion.summary.split(' (expected')[0]}; copies trained without the {found.doubted} rows that every probe "
            f"contradicts learn {percent(after)} on validation batches in {found.steps} steps, and {percent(before)} without "
            f"as many random rows (expected: no more)",
            where=suspicion.where,
            evidence=(
                *suspicion.evidence,
                Evidence("u on validation batches without the doubted rows", round(after, 4), "", "u"),
                Evidence("u on validation batches without as many random rows", round(before, 4), "", "u"),
            ),
            remedy=suspicion.remedy,
            proof=Proof(
                "the recorded steps trained again without the doubted rows, and without as many random ones",
                round(before, 4),
                round(after, 4),
                (round(low, 4), round(high, 4)),
                SEEDS,
                changed=f"without {found.doubted} rows whose label every probe contradicts",
            ),
            gain=gain,
            explains=suspicion.explains,
            extra=suspicion.extra,
        )


def retrained(case: Case, assessed: Diagnosis) -> Retrained:
    """Copies without the doubted rows and without random ones; NotChecked where that cannot be done in time."""
    lab, recorded = case.lab, batches(case)
    inputs, known, codes, doubted = _doubted(case)
    keys = row_hashes(inputs)
    met = np.concatenate([row_hashes(batch.inputs) for batch in recorded])
    if np.isin(met, keys).mean() < COVERED:
        raise NotChecked("the recorded rows are not those of the dataset (augmented, or too many for the probes)")
    steps = min(MOST_STEPS, assessed.total_steps)
    affordable = int(TIME_SHARE * lab.time_left() / (2 * SEEDS) / max(1e-4, lab.seconds_per_step))
    steps = min(steps, affordable)
    if steps < min(LEAST_STEPS, assessed.total_steps):
        raise NotChecked(f"budget of {lab.budget:g} s used up")
    found = Retrained(steps, int(doubted.sum()))
    def measure() -> float:
        found.cleaned.append(outcome(lab, assessed.scale, assessed.probes, assessed.validation))
        found.confirmed.append(_confirmed(case, recorded, keys[doubted]))
        return found.cleaned[-1].train

    cleaned = WithoutRows(recorded, keys[doubted], "doubted")
    for seed in range(SEEDS):
        drawn = _as_many(codes, doubted, np.random.default_rng(seed))
        found.random.append(run(lab, assessed, WithoutRows(recorded, keys[drawn], "random"), seed, steps))
        lab.train(cleaned, steps=steps, seed=seed, after=measure)
    return found


def _confirmed(case: Case, recorded: tuple[Batch, ...], keys: Hashes) -> Disagreement:
    """Of the different recorded rows with these hashes: to how many the network gives the label that they carry."""
    found: dict[int, bool] = {}
    for batch in recorded:
        hashes = row_hashes(batch.inputs)
        labels, given = class_labels(batch.target, batch.flow.loss), None
        if labels is not None and np.isin(hashes, keys).any():
            given = answers(case, batch)
        if given is None or labels is None or not len(given) == len(labels) == len(hashes):
            continue
        for row in np.flatnonzero(np.isin(hashes, keys)):
            found.setdefault(int(hashes[row]), bool(given[row] == labels[row]))
    return Disagreement(len(found), sum(found.values()))


def _doubted(case: Case) -> tuple[Tensor, NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Rows that the probes have looked at: inputs, their positions, classes, and whether all probes contradict the label."""
    probes = probes_of(case)
    assert probes is not None  # there is a suspicion
    predicted = probes.mean.argmax(axis=1)
    agreed = (probes.linear.argmax(axis=1) == predicted) & (probes.nearby.argmax(axis=1) == predicted)
    return rows(case).inputs[torch.from_numpy(probes.kept)], probes.kept, probes.codes, agreed & (predicted != probes.codes)


def _as_many(
    codes: NDArray[np.int64], doubted: NDArray[np.bool_], generator: np.random.Generator
) -> NDArray[np.bool_]:
    """As many others of every class, or all that there are."""
    chosen = np.zeros(len(codes), dtype=bool)
    for name in np.unique(codes):
        others = generator.permutation(np.flatnonzero((codes == name) & ~doubted))
        chosen[others[: int((doubted & (codes == name)).sum())]] = True
    return chosen
