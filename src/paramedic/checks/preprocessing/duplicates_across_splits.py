"""Validation rows that were trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place, passes
from paramedic.checks.data.places import SPLITTING, calls, line_behind
from paramedic.checks.data.samples import Batch, batches, is_numeric, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import trained_rows, validation_batches
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.pairing import Hashes
from paramedic.measurements.data.splits import Overlap, collision_probability, overlap

CHANCE = 1e-3  # expected number of equal rows by chance; above it there must be far more than expected
P_CHANCE = 1e-6
# Of the validation rows: below it, and for fewer than three rows, a note. No metric can move by more than the share,
# and 3.3 % of CIFAR-10's own test images are copies of training images (Barz and Denzler 2020).
SHARE = 0.05
LEAST = 3
TOKEN_SHARE = 0.2  # text repeats itself: equal windows of tokens are no copies of a row
# Of the share of validation rows that would come again if they were drawn as the training rows are (Good 1953: one minus
# the share of rows that came once). Rows that got into both splits exceed it many times: among themselves they do not repeat.
REPEATS = 1.25
NEXT_TOKENS = 0.9  # of the targets; padding and masks are others
COLLISION_ROWS = 1000
FEW_VALUES = 2  # different values in all of the rows


class DuplicatesAcrossSplits(Check):
    """Rows of the validation set are among the training rows.

    What it measures: the hashes of the input rows that were trained on and of those that were validated on. Inputs so
    poor in detail that rows are equal by chance are left out.
    Why it matters: validation measures memory in part, and looks better than the network is.
    Fix: split before oversampling or augmenting; drop duplicates first; split by group where rows belong together.
    Not a fault when: accuracy on the training rows is reported on purpose; windows of a text, which repeats itself, and texts
    of few words that come several times among the training rows as well (notes).
    References: the article's reason 15; Barz and Denzler, "Do we train on test data?", 2020; Good, "The population
    frequencies of species", 1953.
    """

    reason = "R15"
    name = "duplicates-across-splits"
    needs = ("rows", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        shared = _shared_in_data(case) if case.data is not None else _shared_in_run(case)
        seen, there_are = shared.overlap, shared.validation
        if not seen.rows:
            return
        expected = shared.trained * there_are * collision_probability(shared.sample)
        if expected > CHANCE and stats.poisson.sf(seen.rows - 1, expected) > P_CHANCE:
            raise NotApplicable("the inputs have so little detail that rows are equal by chance")
        share = seen.rows / there_are
        if not shared.numeric and share < TOKEN_SHARE:
            return
        drawn = len(np.unique(shared.sample)) <= FEW_VALUES  # shapes in black and white are equal now and then
        repeats = not shared.numeric and share <= REPEATS * shared.repeated  # sentences from templates, short codes
        remarkable = share > SHARE and seen.rows >= LEAST and not drawn and not shared.running and not repeats
        say = self.fault if remarkable else self.note
        often = f"; training rows repeat each other as often ({shared.repeated:.0%})" if repeats else ""
        named = f"; for example {', '.join(shared.named)}" if shared.named else ""
        yield say(
            f"{seen.rows} of {there_are} validation rows ({share:.1%}) are training rows as well (expected 0{named}{often}): "
            f"split before rows are repeated, and drop duplicates",
            where=line_behind(data_place(case, "validation") or data_place(case), calls(*SPLITTING), in_functions=True),
            evidence=(
                Evidence("validation rows that were trained on", seen.rows, "0"),
                *((Evidence("rows", ", ".join(shared.named)),) if shared.named else ()),
            ),
            remedy="drop duplicates, then split, then oversample or augment the training rows only",
            explains=("train-validation-recipe-mismatch", "leaked-statistics", "near-duplicates-across-splits", "R21", "R30"),
            exact=True,
            extra={"samples": ("validation", shared.rows)},
        )


@dataclass(frozen=True)
class Shared:
    """overlap: of the different training and validation rows; validation: different validation rows; trained: training
    rows; sample: (m, d) of the rows; numeric: they are no tokens; running: windows of a text, each with its next tokens as
    targets; repeated: share of the training rows that came more than once in an epoch; named, rows: examples in the
    validation split."""

    overlap: Overlap
    validation: int
    trained: int
    sample: NDArray[np.float64]
    numeric: bool
    running: bool = False
    repeated: float = 0.0
    named: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()


def _shared_in_run(case: Case) -> Shared:
    validated = validation_batches(case)
    if not validated:
        raise NotApplicable("no validation pass on other than the training rows was recorded")
    inputs = np.concatenate(
        [batch.inputs.reshape(len(batch.inputs), -1).cpu().double().numpy() for batch in validated]
    )
    different = np.unique(np.concatenate([row_hashes(batch.inputs) for batch in validated]))
    seen, there_are = overlap(trained_rows(case), different), len(different)
    by_loader = _by_loader(case)
    if by_loader is not None and by_loader[0].rows / by_loader[1] > seen.rows / there_are:
        seen, there_are = by_loader
    trained = max(len(trained_rows(case)), sum(len(batch.inputs) for batch in batches(case)))
    first = batches(case)[0]
    return Shared(
        seen, there_are, trained, _some(inputs), is_numeric(first.inputs), _is_running_text(first), _repeated(case)
    )


def _repeated(case: Case) -> float:
    """Share of the training rows of one epoch that came more than once in it, the chance of a further one to be known."""
    counted = [
        np.unique(np.concatenate(item.inputs), return_counts=True)[1]
        for record in case.loaders
        if record.role == "train"
        for item in passes(case, record)[:1]
        if item.inputs
    ]
    if not counted:
        listed = rows(case)
        counted = [np.unique(listed.hashes, return_counts=True)[1]] if listed.source != "batches" else []
    return max((1 - float((counts == 1).sum() / counts.sum()) for counts in counted), default=0.0)


def _is_running_text(batch: Batch) -> bool:
    """Whether the targets are the tokens themselves, or the ones after them."""
    tokens, target = batch.inputs, batch.target
    if is_numeric(tokens) or target is None or target.shape != tokens.shape or tokens.dim() != 2 or tokens.shape[1] < 2:
        return False
    same, shifted = (target == tokens).float().mean(), (target[:, :-1] == tokens[:, 1:]).float().mean()
    return max(float(same), float(shifted)) > NEXT_TOKENS


def _shared_in_data(case: Case) -> Shared:
    """Of all rows of both splits, by the hashes that their summaries kept; the examples are from the samples."""
    train, validation = rows(case), rows(case, "validation")
    assert train.split is not None and validation.split is not None
    first, second = train.split.summary.distinct, validation.split.summary.distinct
    bound = np.uint64(min(first.bound, second.bound, (1 << 64) - 1))
    seen = overlap(first.keys[first.keys <= bound], second.keys[second.keys <= bound])
    there_are = int((second.keys <= bound).sum())
    copies = np.flatnonzero(np.isin(validation.hashes, first.keys)).tolist()
    flat = validation.inputs.reshape(len(validation.inputs), -1).double().numpy()
    numeric = is_numeric(train.inputs)
    return Shared(
        seen, there_are, train.split.total, _some(flat), numeric, named=tuple(validation.names(copies)), rows=tuple(copies)
    )


def _some(inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    return inputs[np.random.default_rng(0).permutation(len(inputs))[:COLLISION_ROWS]]


def _by_loader(case: Case) -> tuple[Overlap, int] | None:
    """Overlap of all rows that training loaders and validation loaders gave, as they came out of the loaders."""
    sets: dict[str, list[Hashes]] = {"train": [], "validation": []}
    for record in case.loaders:
        if record.role == "train":
            for item in passes(case, record):
                sets["train"].extend(item.inputs)
    if not sets["train"]:
        return None
    trained = np.unique(np.concatenate(sets["train"]))
    for record in case.loaders:
        if record.role == "validation":
            for item in passes(case, record):
                if item.inputs and not np.isin(np.concatenate(item.inputs), trained).all():  # an evaluation of training rows
                    sets["validation"].extend(item.inputs)
    if not sets["validation"]:
        return None
    train, validation = (np.unique(np.concatenate(part)) for part in sets.values())
    found = overlap(train, validation)
    return (found, len(validation)) if found.rows < len(validation) else None
