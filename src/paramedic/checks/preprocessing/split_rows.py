"""Training and validation rows side by side, as the network sees them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.checks.data.samples import (
    Batch,
    Role,
    batches,
    class_labels,
    is_numeric,
    remembered,
    rows,
    table,
)
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.order import are_windows, succession

PART = 0.8  # of the training rows: a pass over more of them is an evaluation of training
TRAINED_SHARE = 0.99  # of a validation pass's rows: then it is an evaluation on the training rows
# So is one of fewer of them that holds nearly all rows that were trained on: a sampler leaves some training rows out.
MOST_TRAINED, COVERED = 0.9, 0.95


@dataclass(frozen=True)
class SplitRows:
    """(n, d) training and (m, d) validation rows; shape of a row; augmented: training rows are not those of the
    dataset (random augmentation), or nothing is known about it. labels: class numbers of the rows of both, where they
    have any. ordered: training rows stand in the order of their dataset or array."""

    train: NDArray[np.float64]
    validation: NDArray[np.float64]
    shape: tuple[int, ...]
    augmented: bool
    series: bool
    labels: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    ordered: bool = False

    @property
    def steps(self) -> tuple[int, ...]:
        """(steps, 1) where flat rows are windows of one series, else the shape of a row."""
        windows = len(self.shape) == 1 and are_windows(self.train)
        return (*self.shape, 1) if windows else self.shape


def split_rows(case: Case, least: int, only: list[Batch] | None = None) -> SplitRows:
    """NotApplicable without numeric rows in both splits, NotChecked with fewer than ``least`` in either.

    only: these validation batches (of one evaluation among several) instead of all.
    """
    found = rows(case)
    if not is_numeric(found.inputs):
        raise NotApplicable("the inputs are tokens")
    validation = validation_inputs(case) if only is None else _unique(torch.cat([item.inputs.cpu() for item in only]), None)[0]
    if validation is None:
        raise NotApplicable("no validation pass was observed")
    if validation.shape[1:] != found.inputs.shape[1:]:
        raise NotApplicable("training and validation rows have different shapes")
    if min(len(found.inputs), len(validation)) < least:
        raise NotChecked(
            f"{len(found.inputs)} training and {len(validation)} validation rows (at least {least})"
        )
    # An array that batches are cut from may hold the validation rows too.
    own = np.flatnonzero(~np.isin(row_hashes(found.inputs), row_hashes(validation)))
    chosen = own[_first_of_each(found.inputs[torch.from_numpy(own)])]
    if len(chosen) < least:
        raise NotChecked("nearly all rows at hand are validation rows as well")
    train, other = _flat(found.inputs[torch.from_numpy(chosen)]), _flat(validation)
    if not (np.isfinite(train).all() and np.isfinite(other).all()):
        raise NotChecked("the inputs are not finite")
    labels = _labels(found.target, validation_target(case), chosen, found.loss) if only is None else None
    shape, ordered = tuple(found.inputs.shape[1:]), found.index is not None
    return SplitRows(train, other, shape, augmented(case), _is_series(train, other), labels, ordered)


def with_repeated_rows(case: Case, found: SplitRows) -> SplitRows | None:
    """The same with the rows that come several times in a dataset, as statistics of all its rows count them; None where no
    row does, or not all rows of both splits are at hand.
    """
    train, validation = _all_rows(case, "train"), _all_rows(case, "validation")
    if train is None or validation is None or len(train) + len(validation) == len(found.train) + len(found.validation):
        return None
    if train.shape[1:] != found.shape or validation.shape[1:] != found.shape:
        return None
    return replace(found, train=_flat(train), validation=_flat(validation), labels=None)


def _all_rows(case: Case, role: Role) -> Tensor | None:
    if case.data is not None:
        split = case.data.split(role)
        return split.inputs if split is not None and split.complete and bool(torch.isfinite(split.inputs).all()) else None
    drawn = table(case, role)
    whole = drawn is not None and drawn.source == "dataset" and drawn.complete and drawn.found >= TRAINED_SHARE
    return drawn.inputs.cpu() if drawn is not None and whole else None


def _labels(
    train: Tensor | None, validation: Tensor | None, chosen: NDArray[np.int64], loss: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    first, second = class_labels(train, loss), class_labels(validation, loss)
    if first is None or second is None:
        return None
    return first[chosen].astype(np.int64), second.astype(np.int64)


def _flat(inputs: Tensor) -> NDArray[np.float64]:
    return inputs.detach().reshape(len(inputs), -1).double().numpy()


def augmented(case: Case) -> bool:
    """Whether training rows are not those of the dataset, or nothing is known about it."""
    if case.data is not None:
        return False
    drawn = table(case)
    return drawn is None or not drawn.complete or drawn.found < TRAINED_SHARE


def _is_series(train: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Windows of a series, whose later part may well be different, and whose neighbours overlap."""
    found = [succession(part) for part in (train, other)]
    return (
        any(item.ratio < 0.7 and item.p < 1e-4 for item in found) or are_windows(train) or are_windows(other)
    )


def validation_inputs(case: Case) -> Tensor | None:
    """Rows of the validation passes, those on training rows left out; None where there is no other."""
    found = _validation(case)
    return found[0] if found is not None else None


def validation_target(case: Case) -> Tensor | None:
    """Targets of ``validation_inputs``, where they are known for each."""
    found = _validation(case)
    return found[1] if found is not None else None


_Pair = tuple[Tensor, Tensor | None]


def _validation(case: Case) -> _Pair | None:
    return remembered(case.subject, "validation rows", lambda: _validation_rows(case))


def _validation_rows(case: Case) -> _Pair | None:
    if case.data is not None:
        split = case.data.split("validation")
        return _unique(split.inputs, split.target) if split is not None else None
    chosen = validation_batches(case)
    if not chosen:
        return None
    drawn = table(case, "validation")
    if drawn is not None and drawn.complete and drawn.found >= TRAINED_SHARE:
        if np.isin(row_hashes(drawn.inputs), trained_rows(case)).mean() < 1 - TRAINED_SHARE:
            return _unique(drawn.inputs.cpu(), drawn.target)  # else an array that holds the training rows too
    chosen = _with_targets(chosen, batches(case)[0])
    targets = [batch.target.cpu() for batch in chosen if batch.target is not None and is_target(batch, batches(case)[0])]
    alike = len(targets) == len(chosen) and len({item.shape[1:] for item in targets}) == 1
    return _unique(torch.cat([batch.inputs.cpu() for batch in chosen]), torch.cat(targets) if alike else None)


def is_target(batch: Batch, trained: Batch) -> bool:
    """Whether what a validation batch is compared with are targets as training has them: ``y == 0`` selects rows."""
    if batch.target is None:
        return False
    return batch.target.dtype != torch.bool or trained.target is not None and trained.target.dtype == torch.bool


def _with_targets(chosen: list[Batch], trained: Batch) -> list[Batch]:
    """Those batches whose targets are known, where they hold all the rows: others are the same rows, met for a metric."""
    known = [batch for batch in chosen if is_target(batch, trained)]
    if not known or len(known) == len(chosen):
        return chosen
    every, some = (np.concatenate([row_hashes(batch.inputs) for batch in part]) for part in (chosen, known))
    return known if bool(np.isin(every, some).all()) else chosen


def _unique(inputs: Tensor, target: Tensor | None) -> _Pair:
    first = torch.from_numpy(_first_of_each(inputs))
    return inputs[first], target.cpu()[first] if target is not None and len(target) == len(inputs) else None


def _first_of_each(inputs: Tensor) -> NDArray[np.int64]:
    """Positions of the different rows, ascending."""
    return np.sort(np.unique(row_hashes(inputs), return_index=True)[1]).astype(np.int64)


def validation_batches(case: Case) -> list[Batch]:
    """Recorded validation batches of one row shape. Passes over the training rows are left out, unless a part of
    them is all that is ever validated on.
    """
    return [batch for group in validation_groups(case) for batch in group]


def validation_groups(case: Case) -> list[list[Batch]]:
    """The same, apart for each loader or line that evaluates (validation, test)."""
    recorded = [batch for batch in batches(case, "validation") if batch.inputs.dim() >= 1]
    main = batches(case)
    if not recorded or not main:
        return []
    trained = trained_rows(case)
    groups: dict[object, list[Batch]] = {}
    for batch in recorded:
        if batch.inputs.shape[1:] == main[0].inputs.shape[1:]:
            source = batch.input_leaf.source
            from_loader = source is not None and source.loader is not None
            key = ("loader", source.loader) if from_loader else batch.flow.node.place
            groups.setdefault(key, []).append(batch)
    own = [group for group in groups.values() if not _of_training(group, trained)]
    if not own:
        return [group for group in groups.values() if _different(group) < PART * len(trained)]
    return [_without_training_passes(group, trained) for group in own]


def _without_training_passes(group: list[Batch], trained: NDArray[np.uint64]) -> list[Batch]:
    """One function may evaluate the training rows and others: successive batches of the former that hold most of them."""
    kept: list[Batch] = []
    for of_training, part in groupby(group, key=lambda batch: _of_training([batch], trained)):
        run = list(part)
        if not of_training or _different(run) < PART * len(trained):
            kept += run
    return kept


def _different(group: list[Batch]) -> int:
    return len(np.unique(np.concatenate([row_hashes(batch.inputs) for batch in group])))


def _of_training(group: list[Batch], trained: NDArray[np.uint64]) -> bool:
    keys = np.concatenate([row_hashes(batch.inputs) for batch in group])
    share = float(np.isin(keys, trained).mean()) if len(keys) else 1.0
    return share >= TRAINED_SHARE or share >= MOST_TRAINED and float(np.isin(trained, keys).mean()) >= COVERED


def trained_rows(case: Case) -> NDArray[np.uint64]:
    """Hashes of the input rows that were surely trained on, as the network saw them: those of the recorded steps."""

    def collect() -> NDArray[np.uint64]:
        return np.unique(np.concatenate([row_hashes(batch.inputs) for batch in batches(case)]))

    return remembered(case.subject, "trained rows", collect)
