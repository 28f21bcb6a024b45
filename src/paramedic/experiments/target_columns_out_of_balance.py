"""A target whose columns are in such different units that the loss sees the largest of them alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import GAIN, SEEDS, Outcome, Trial, assess, confounding, known
from paramedic.experiments.interventions import Remedy, batch_size
from paramedic.experiments.lab import Intervention, Lab
from paramedic.experiments.loss_components_out_of_balance import (
    DECADES,
    HARM,
    HARM_SHARE,
    MOST_PROBES,
    ROWS,
    affordable_steps,
)
from paramedic.experiments.progress import U_LIMIT, Probe, input_numbers, main_tapes, spread
from paramedic.experiments.targets import StandardizedTarget, Target, column_progress, targets
from paramedic.experiments.wording import SYMPTOMS, learned, percent


@dataclass(eq=False)
class Replays:
    """u of the small columns, and of the largest, by seed."""

    remedy: Remedy
    base: list[tuple[float, float]] = field(default_factory=list)
    changed: list[tuple[float, float]] = field(default_factory=list)

    def trial(self, ended: float) -> Trial:
        """Of the small columns."""
        changed, base = ([Outcome(small, math.nan) for small, _ in pairs] for pairs in (self.changed, self.base))
        return Trial(self.remedy, changed, base, Outcome(ended, math.nan))

    def harm(self) -> float:
        """How much worse the largest column is for it."""
        pairs = zip(self.changed, self.base, strict=False)
        return statistics.fmean(known(own[1]) - known(base[1]) for own, base in pairs)


class TargetColumnsOutOfBalance(Check):
    """One column of the target drowns another: it has the larger numbers, and the loss adds them up.

    What it measures: the standard deviation of every column of a regression target; where they are more than 1.5
        decades apart, how much of the smaller columns is learned (0 % = chance, 100 % = perfect) at the end of the run,
        and after replays with every column standardized, on three seeds.
    Why it matters: a squared error adds the columns in their units; one in pascals beside one in degrees is all the optimizer
        sees, and the loss falls nicely meanwhile.
    Fix: standardize each column with its training mean and standard deviation, or weight the columns' errors.
    Not a fault when: the small columns are learned all the same, or cannot be learned with standardized targets either; or
        the target is the input (an autoencoder's pixels at the border have small deviations, and matter as little).
    References: the article's reasons 12 and 20; scikit-learn, TransformedTargetRegressor.
    """

    reason = "R20"
    name = "target-columns-out-of-balance"
    also = ("R12",)
    needs = ("replay", "budget")
    cost = "experiment"
    early = True

    def examine(self, case: Case) -> Iterator[Finding]:
        if problem := case.lab.why_not_replayable():
            raise NotChecked(problem)
        wide = [item for item in targets(case.lab) if item.columns > 1]
        if not wide:
            raise NotApplicable("no target with several columns of values")
        wide = [item for item in wide if not _restored(case.lab, item)]
        if not wide:
            raise NotApplicable("the target is the network's own input: its scales are row R12's")
        for target in wide:
            small = _small(target)
            if not small:
                continue
            replays = self._standardized(case, target, small)
            if replays is not None:
                yield self._finding_of(target, small, *replays)
                return

    def _standardized(self, case: Case, target: Target, small: Sequence[int]) -> tuple[Replays, float] | None:
        """The replays that prove it, and u of the small columns at the end of the run; None where nothing is proven."""
        lab = case.lab
        count = max(2, min(MOST_PROBES, ROWS // max(1, batch_size(lab))))
        probes = [Probe(tape) for tape in spread(main_tapes(lab), count)]
        with lab.at("final"):
            ended = _shares(column_progress(lab, probes, target, False), target, small)
        if ended is None or ended[0] < GAIN:
            return None
        assess(case)
        confounder = confounding(case.findings)
        if confounder is not None:
            raise NotChecked(f"{confounder.reason} {confounder.check} has to be fixed first")
        remedy = StandardizedTarget()
        remedy.why_not(lab)
        steps, _ = affordable_steps(lab)
        found = Replays(remedy)
        for seed in range(SEEDS):
            found.base.append(_replayed(lab, probes, target, small, Intervention(), seed, steps))
            found.changed.append(_replayed(lab, probes, target, small, remedy, seed, steps))
            gain = found.trial(ended[0]).gain
            if gain < GAIN or found.harm() > min(HARM, HARM_SHARE * gain):
                return None
        return (found, ended[0]) if found.trial(ended[0]).significant() else None

    def _finding_of(self, target: Target, small: Sequence[int], replays: Replays, ended: float) -> Finding:
        trial = replays.trial(ended)
        deviations = [float(f"{value:.4g}") for value in target.deviation.tolist()]
        ratio = max(deviations) / min(deviations[column] for column in small)
        columns = ", ".join(str(column) for column in small)
        subject = f"columns {columns} of the target are" if len(small) > 1 else f"column {columns} of the target is"
        return self.fault(
            f"{subject} drowned: another column's standard deviation is {ratio:.2g} times as large, and the loss adds their "
            f"errors as they are: {learned(ended)} is learned at the end of the run, and "
            f"{percent(trial.after())} in the replay with every column standardized",
            where=target.place,
            evidence=(
                Evidence("standard deviation of the target's columns", deviations, "1"),
                Evidence("largest over smallest", round(math.log10(ratio), 2), f"below {DECADES}", "decades"),
                Evidence("u of the small columns at the end of the run", round(ended, 4), f"below {GAIN}", "u"),
                Evidence("u of the small columns, standardized", round(trial.after(), 4), "", "u"),
                Evidence("u of the largest column in the replay, unchanged and standardized",
                         [round(statistics.median(pair[1] for pair in pairs), 4) for pairs in (replays.base, replays.changed)],
                         "", "u"),
            ),
            remedy=StandardizedTarget.remedy,
            proof=trial.proof(),
            gain=trial.gain,
            explains=(*SYMPTOMS, "R36", "unstandardized-target"),
        )


def _restored(lab: Lab, target: Target) -> bool:
    """Whether the network is to give its own input again: its columns have the units that the program gave them."""
    tape = lab.backwards[target.index].tape
    arguments = target.call.kwargs if isinstance(target.key, str) else target.call.args
    wanted: Tensor = arguments[target.key]  # type: ignore[index]
    inputs = [tape.leaves[number].value for number in input_numbers(tape)] if tape is not None else []
    return any(item.shape == wanted.shape and torch.equal(item, wanted) for item in inputs)


def _small(target: Target) -> list[int]:
    """The columns that vary, and less than the largest by DECADES."""
    deviations = target.deviation.tolist()
    apart = [math.log10(max(deviations) / value) for value in deviations]
    return [number for number, value in enumerate(apart) if value > DECADES and target.varies[number]]


def _shares(columns: Sequence[float], target: Target, small: Sequence[int]) -> tuple[float, float] | None:
    """u of the small columns together, and of the largest; worse than knowing nothing counts as that."""
    if not columns:
        return None
    largest = int(target.deviation.argmax())
    return statistics.fmean(known(columns[number]) for number in small), known(columns[largest])


def _replayed(
    lab: Lab, probes: Sequence[Probe], target: Target, small: Sequence[int], change: Intervention, seed: int, steps: int
) -> tuple[float, float]:
    reached: list[tuple[float, float]] = []

    def measure() -> float:
        columns = column_progress(lab, probes, target, isinstance(change, StandardizedTarget))
        reached.extend(item for item in [_shares(columns, target, small)] if item is not None)
        return 0.0

    curve = lab.train(change, steps=steps, seed=seed, after=measure)
    return reached[0] if curve.finite and reached else (U_LIMIT, U_LIMIT)
