"""Random augmentation that hides what the network is to learn."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.clean_view import Augmentation, CleanView, augmentation, clean_view, raw_rows
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.samples import Batch, batches
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.experiments.counterfactual import (
    GAIN,
    LEAST_STEPS,
    MOST_STEPS,
    SEEDS,
    SHARE_OF_BEST,
    Diagnosis,
    Outcome,
    confounding,
    diagnosis,
    interval_of,
    run,
    significant,
)
from paramedic.experiments.interventions import Remedy
from paramedic.experiments.lab import Intervention
from paramedic.experiments.wording import SYMPTOMS, learned, percent
from paramedic.trace.tape import Tape

READABLE = 0.5  # u of augmented batches at the end of the run: below it the network has learned to read them


class CleanInputs(Remedy):
    """The recorded batches without their random augmentation."""

    rows = ("R13", "S2")
    cause = "augmentation-too-strong"
    order = 14
    changes = "no augmentation"
    remedy = "weaken the augmentation"

    def __init__(self, recorded: tuple[Batch, ...], clean: CleanView) -> None:
        self.values: dict[int, dict[int, Tensor]] = {}
        for batch, rows in zip(recorded, clean.inputs, strict=True):
            number = next(n for n in batch.flow.inputs if batch.tape.leaves[n] is batch.input_leaf)
            if rows is None:
                raise ValueError("a batch without its clean rows")
            self.values[id(batch.tape)] = {number: rows.to(batch.inputs.dtype)}

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        known = self.values.get(id(tape))
        return {"replace": known} if known is not None else {}


@dataclass(eq=False)
class Comparison:
    """Outcomes by seed of the recorded steps with and without augmentation, and the program's own end."""

    ended: Outcome
    steps: int
    augmented: list[Outcome] = field(default_factory=list)
    clean: list[Outcome] = field(default_factory=list)

    def gains(self) -> list[float]:
        """Per seed, how much lower u on validation batches gets without augmentation, in no more steps."""
        return [
            min(one.validation, self.ended.validation) - other.validation
            for one, other in zip(self.augmented, self.clean, strict=False)
        ]

    @property
    def gain(self) -> float:
        return statistics.fmean(self.gains())

    def harmful(self) -> bool:
        return self.gain > GAIN and significant(self.gains())

    def proof(self) -> Proof:
        low, high = interval_of(self.gains())
        before = min(statistics.median(item.validation for item in self.augmented), self.ended.validation)
        return Proof(
            experiment="the recorded steps trained again with the same rows without augmentation, judged on validation",
            before=round(before, 4),
            after=round(statistics.median(item.validation for item in self.clean), 4),
            interval=(round(low, 4), round(high, 4)),
            seeds=SEEDS,
            changed=CleanInputs.changes,
        )


class AugmentationTooStrong(Check):
    """Random augmentation of the training rows keeps the network from learning.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) on validation batches after the recorded steps
        are trained again with the rows as they are recorded, and with the same rows without augmentation, on three
        seeds; only where the program itself failed on validation batches and did not learn to read the augmented ones.
        The rows without augmentation are those of the array or dataset before the training loop changes them, of the
        dataset with the validation dataset's settings or without its transform, or of what the dataset wraps.
        What it can find: augmentation that a network does not learn to read within the run (half of the augmented batches
        are beyond it), and that costs more than a fifth of what there is to learn on validation batches. What it cannot:
        milder augmentation, which slows training and is made up for by more steps; noise that the program adds where the
        clean rows cannot be had; and whether a weaker augmentation would do better than none.
    Why it matters: what the augmentation has destroyed, no network can learn.
    Fix: weaken the augmentation until a person can still read the rows.
    Not a fault when: the noise is the task (denoising, masked language models, contrastive learning): such programs are
        left alone.
    References: the article's reason 13; Gontijo-Lopes et al., "Affinity and diversity", 2020.
    """

    reason = "R13"
    name = "augmentation-too-strong"
    also = ("S2",)
    needs = ("replay", "budget")
    cost = "experiment"

    def examine(self, case: Case) -> Iterator[Finding]:
        found = augmentation(case)
        if found is None:
            raise NotApplicable("no random augmentation of the training rows was seen")
        _applicable(case)
        assessed = diagnosis(case)
        if assessed.validation and assessed.ended.validation <= GAIN or assessed.ended.train < READABLE:
            return
        confounder = confounding(case.findings)
        if confounder is not None:
            raise NotChecked(f"{confounder.reason} {confounder.check} has to be fixed first")
        if not assessed.validation:
            raise NotChecked("no validation batches that fit the training loss were recorded")
        clean = clean_view(case)
        if clean is None or not clean.complete:
            raise NotChecked("the rows without augmentation cannot be had")
        trial = compare(case, assessed, clean)
        if trial is not None and trial.harmful() and not _other_cause(assessed, trial):
            yield self._finding_of(case, found, clean, assessed, trial)

    def _finding_of(
        self, case: Case, found: Augmentation, clean: CleanView, assessed: Diagnosis, trial: Comparison
    ) -> Finding:
        after = statistics.median(item.validation for item in trial.clean)
        causes = tuple(item.remedy.cause for item in assessed.causes)
        return self.fault(
            f"the augmentation is too strong: {learned(trial.ended.validation)} is learned on validation batches at the "
            f"end of the run, and {percent(after)} after {trial.steps} steps on the same rows without it; augmented batches "
            f"are at {percent(trial.ended.train)}: weaken it",
            where=found.place or data_place(case),
            evidence=(
                Evidence("u on validation batches at the end of the run", round(trial.ended.validation, 4), "below 0.2", "u"),
                Evidence("u on augmented training batches at the end", round(trial.ended.train, 4), f"below {READABLE}", "u"),
                Evidence(
                    f"u on validation batches after {trial.steps} steps, augmented",
                    round(statistics.median(item.validation for item in trial.augmented), 4), "", "u",
                ),
                Evidence(f"u on validation batches after {trial.steps} steps, without", round(after, 4), "", "u"),
                Evidence("rows without augmentation", clean.how),
            ),
            remedy="weaken the augmentation: look at twenty augmented rows, and keep what a person can still read",
            proof=trial.proof(),
            gain=trial.gain,
            explains=(
                *SYMPTOMS, *causes, "R30", "R36", "R06", "R05", "R04", "R09", "R28", "train-validation-recipe-mismatch",
                "feature-scale", "mixed-recipes", "per-batch-normalization", "image-layout-scrambled",
            ),
        )  # fmt: skip


def _applicable(case: Case) -> None:
    """NotApplicable where the targets are changed along with the inputs, or the noise is what is to be learned."""
    for batch in batches(case):
        if batch.target is None:
            raise NotApplicable("the loss has no target beside the inputs")
        if batch.target.shape == batch.inputs.shape:
            raise NotApplicable("the targets have the shape of the inputs: the noise may be the task")
        source = batch.target_leaf.source if batch.target_leaf is not None else None
        raw = raw_rows(case, batch.target_leaf, batch.target)
        if getattr(source, "random", None) is not None or raw is not None and bool((raw != batch.target.cpu()).any()):
            raise NotApplicable("the targets are changed along with the inputs")


def compare(case: Case, assessed: Diagnosis, clean: CleanView) -> Comparison | None:
    """Train with and without augmentation on all seeds; None where that gains nothing on the first ones.

    Raises NotChecked where the budget does not reach.
    """
    lab = case.lab
    steps = assessed.steps or min(MOST_STEPS, len(lab.recorded_steps()), assessed.total_steps)
    affordable = int(lab.time_left() / (2 * SEEDS) / max(1e-4, lab.seconds_per_step))
    kept = assessed.base[:SEEDS] if affordable >= steps else []
    steps = min(steps, affordable)
    if steps < min(LEAST_STEPS, assessed.total_steps):
        raise NotChecked(f"budget of {lab.budget:g} s used up")
    trial = Comparison(assessed.ended, steps, augmented=list(kept))
    remedy = CleanInputs(batches(case), clean)
    for seed in range(SEEDS):
        if len(trial.augmented) <= seed:
            trial.augmented.append(run(lab, assessed, Intervention(), seed, steps))
        trial.clean.append(run(lab, assessed, remedy, seed, steps))
        if trial.gain <= 0:
            return None
    return trial


def _other_cause(assessed: Diagnosis, trial: Comparison) -> bool:
    """Whether another change helps on validation batches as much, with the augmentation as it is."""
    gains = [
        statistics.fmean(
            min(base.validation, trial.ended.validation) - own.validation
            for own, base in zip(cause.outcomes, cause.base, strict=False)
        )
        for cause in assessed.causes
    ]
    return any(SHARE_OF_BEST * trial.gain <= gain for gain in gains)
