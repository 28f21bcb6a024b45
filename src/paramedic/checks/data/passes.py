"""The order in which rows and labels reach the network: from a loader's passes, or from batches cut by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any, Literal

import numpy as np
import torch

from paramedic.checks.case import Case
from paramedic.checks.data.places import target_line
from paramedic.checks.data.samples import (
    Batch,
    batches,
    class_labels,
    loader_of,
    loader_sample,
    reading_changes_rows,
    regression_values,
    remembered,
)
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.pairing import Hashes, positions
from paramedic.measurements.data.workers import is_random
from paramedic.trace.place import Place
from paramedic.trace.setup import LoaderRecord

LEAST_AGAIN = 4  # batches that come again in the same order: a random order does so with probability < 1/24
MOST_ORIGIN_BYTES = 256 << 20  # arrays are hashed whole up to this size


@dataclass(frozen=True)
class Pass:
    """One pass of a loader: hashes of the input rows and of the target rows, batch by batch.

    whole: every batch that was drawn was also fingerprinted. targets are empty where the loader gives none.
    """

    inputs: tuple[Hashes, ...]
    targets: tuple[Hashes, ...]
    whole: bool


@dataclass(frozen=True)
class Order:
    """Rows in program order over an epoch (or over the recorded steps).

    codes: one integer per row that tells classes apart, or None; values: regression targets, or None;
    features_of: positions in ``table`` of the rows (-1 unknown), for the test on inputs.
    fixed: every epoch has this same order, as far as was seen. source: "loader", "arrays" (consecutive slices of an
    array) or "steps" (recorded batches only). row_by_row: as far as is known, each row was drawn by itself.
    """

    sizes: tuple[int, ...]
    codes: np.ndarray[Any, Any] | None
    values: np.ndarray[Any, Any] | None
    inputs: Any
    fixed: bool
    source: Literal["loader", "arrays", "steps"]
    place: Place | None
    row_by_row: bool = True


def train_loaders(case: Case) -> Iterator[LoaderRecord]:
    """Loaders whose batches were trained on."""
    for record in case.loaders:
        if record.role == "train":
            yield record


def data_place(case: Case, role: Literal["train", "validation"] = "train") -> Place | None:
    """Where the user's data enter: the construction of the loader, else the call of the model; or the data set's file."""
    if case.data is not None:
        split = case.data.split(role)
        place = split.place_of(int(split.index[0])) if split is not None else None
        return Place(place.file, 0) if place is not None else case.data.place
    record = loader_of(case, role)
    if record is not None:
        return record.constructed or record.place
    return next((batch.flow.node.place or batch.place for batch in batches(case, role)), None)


def target_place(case: Case) -> Place | None:
    """Where the user's targets got their values; where the data enter if that is not seen in the source."""
    entered = data_place(case)
    return target_line(entered) or target_line(loss_place(case)) or entered


def loss_place(case: Case) -> Place | None:
    """Where the loss is computed in training."""
    for batch in batches(case)[:1]:
        prediction = batch.flow.prediction
        for node in batch.tape.nodes:
            if node.name == batch.flow.loss and prediction is not None and prediction in node.inputs():
                return node.place
    return None


def model_place(case: Case) -> Place | None:
    """Where the model is called in training."""
    return next((batch.flow.node.place or batch.place for batch in batches(case)), None)


def repeats_draws(case: Case, record: LoaderRecord) -> bool:
    """Whether the dataset draws at random in several workers: repeated rows are then a matter of their generators."""

    def look() -> bool:
        try:
            workers = getattr(record.loader, "num_workers", 0)
            return workers > 1 and not reading_changes_rows(case, record) and is_random(record.dataset)
        except Exception:  # the dataset's own code
            return False

    return remembered(case.subject, ("random", id(record)), look)


def passes(case: Case, record: LoaderRecord) -> tuple[Pass, ...]:
    """The recorded passes over a loader; the inputs are those that the model gets, else the first tensor. None of batches
    whose inputs have no entry for each target.
    """
    first = _first_batch_of(case, record)
    found = []
    for number, recorded in enumerate(record.fingerprints):
        drawn = record.iterations[number] if number < len(record.iterations) else len(recorded)
        filled = [batch for batch in recorded if batch]
        if not filled:
            continue
        column = _column(filled, first.input_leaf if first else None, 0)
        target = _column(filled, first.target_leaf if first and first.target_leaf else None, 1)
        inputs = tuple(batch[column] for batch in filled if column < len(batch))
        targets = tuple(batch[target] for batch in filled if target < len(batch)) if target != column else ()
        usable = len(targets) == len(inputs) and all(map(_same_length, inputs, targets))
        if len(targets) == len(inputs) and not any(map(_same_length, inputs, targets)):
            continue  # what has no entry for each target is no row: the words of all texts of a batch in one line
        found.append(Pass(inputs, targets if usable else (), len(recorded) == drawn))
    return tuple(found)


def _same_length(first: Hashes, second: Hashes) -> bool:
    return len(first) == len(second)


def _first_batch_of(case: Case, record: LoaderRecord) -> Batch | None:
    number = case.loaders.index(record)
    for role in ("train", "validation"):
        for batch in batches(case, role):  # type: ignore[arg-type]
            source = batch.input_leaf.source
            if source is not None and source.loader == number:
                return batch
    return None


def _column(recorded: list[list[Hashes]], leaf: Any, default: int) -> int:
    """Which tensor of the loader's batches a leaf is: by its rows' hashes, else by its path, else ``default``."""
    if leaf is None:
        return default
    wanted = row_hashes(leaf.value)
    for batch in recorded:
        for column, hashes in enumerate(batch):
            if len(hashes) == len(wanted) and (hashes == wanted).all():
                return column
    path = getattr(leaf.source, "path", "") or ""
    digits = "".join(character for character in path if character.isdigit())
    return int(digits) if path.startswith("[") and digits else default


def training_order(case: Case) -> Order | None:
    """The order of the training rows; None where nothing is known or training uses all rows at once."""
    recorded = batches(case)
    record = loader_of(case)
    if case.data is not None and record is not None:
        return _order_of_loader(case, record)
    if not recorded:
        return None
    if (
        record is not None
        and len({batch.input_leaf.source.loader for batch in recorded if _from_loader(batch)}) == 1
    ):
        found = _loader_order(case, record, recorded)
        if found is not None:
            return found
    found = _array_order(recorded) or _steps_order(recorded)
    if found is not None and record is not None and record.place is not None:
        return replace(found, place=record.place)
    return found


def _loader_order(case: Case, record: LoaderRecord, recorded: tuple[Batch, ...]) -> Order | None:
    known = [item for item in passes(case, record) if len(item.inputs) >= 2]
    if not known:
        return None
    first = known[0]
    if not first.targets:
        return None
    labels = class_labels(recorded[0].target, recorded[0].flow.loss)
    keys = np.concatenate(first.targets)
    codes = values = None
    if _all_class_labels(recorded) or labels is not None:
        codes = np.unique(keys, return_inverse=True)[1]
        if codes.max() + 1 > max(2, len(codes) // 2):
            codes = None
    else:
        values = _values_by_hash(case, record, recorded, keys)
    fixed = _is_sequential(record) or _same_every_pass(known)
    return Order(
        tuple(len(batch) for batch in first.inputs),
        codes,
        values,
        _inputs_by_hash(case, record, recorded, np.concatenate(first.inputs)),
        fixed,
        "loader",
        record.constructed or record.place,
    )


def _order_of_loader(case: Case, record: LoaderRecord) -> Order | None:
    """The order of a data set's own loader: its targets are class labels as the data set's are."""
    known = [item for item in passes(case, record) if len(item.inputs) >= 2 and item.targets]
    split = case.data.split("train") if case.data is not None else None
    if not known or split is None:
        return None
    first = known[0]
    codes = values = None
    keys = np.concatenate(first.targets)
    if class_labels(split.target, None) is not None:
        codes = np.unique(keys, return_inverse=True)[1]
    elif split.target is not None and regression_values(split.target) is not None:
        place = positions(keys, row_hashes(split.target))
        values = split.target.double().reshape(-1).numpy()[place] if (place >= 0).all() else None
    place = positions(np.concatenate(first.inputs), row_hashes(split.inputs))
    inputs = split.inputs[torch.from_numpy(place)] if (place >= 0).all() else None
    fixed = _is_sequential(record) or _same_every_pass(known)
    sizes = tuple(len(batch) for batch in first.inputs)
    return Order(sizes, codes, values, inputs, fixed, "loader", record.place)


def _from_loader(batch: Batch) -> bool:
    source = batch.input_leaf.source
    return source is not None and source.loader is not None


def _all_class_labels(recorded: tuple[Batch, ...]) -> bool:
    """A single-class batch of labels looks like no label at all: judge all recorded batches together."""
    targets = [batch.target for batch in recorded if batch.target is not None]
    if not targets or any(
        item.shape[1:] != targets[0].shape[1:] or item.dtype != targets[0].dtype for item in targets
    ):
        return False
    return class_labels(torch.cat(targets), recorded[0].flow.loss) is not None


def _is_sequential(record: LoaderRecord) -> bool:
    """Whether the loader reads the dataset in its own order (a batch sampler of the user's leaves ``sampler`` idle)."""
    from torch.utils.data import BatchSampler, IterableDataset, SequentialSampler

    batching = getattr(record.loader, "batch_sampler", None)
    return (
        isinstance(getattr(record.loader, "sampler", None), SequentialSampler)
        and (batching is None or type(batching) is BatchSampler)
        and not isinstance(record.dataset, IterableDataset)
    )


def _same_every_pass(known: list[Pass]) -> bool:
    orders = [np.concatenate(item.inputs) for item in known]
    length = min(len(order) for order in orders)
    return (
        len(orders) > 1
        and length > 1
        and all((order[:length] == orders[0][:length]).all() for order in orders)
    )


def _values_by_hash(case: Case, record: LoaderRecord, recorded: tuple[Batch, ...], keys: Hashes) -> Any:
    path = getattr(getattr(recorded[0].target_leaf, "source", None), "path", None)
    sample = loader_sample(case, record)
    raw = sample.tensors.get(path) if sample is not None and path is not None else None
    if raw is None:
        return None
    values = regression_values(raw)
    if values is None:
        return None
    place = positions(keys, row_hashes(raw))
    return values[place] if (place >= 0).all() else None


def _inputs_by_hash(case: Case, record: LoaderRecord, recorded: tuple[Batch, ...], keys: Hashes) -> Any:
    """(n, ...) inputs in program order where all rows are found again in the dataset."""
    path = getattr(recorded[0].input_leaf.source, "path", None)
    sample = loader_sample(case, record)
    raw = sample.tensors.get(path) if sample is not None and path is not None else None
    if raw is None:
        return None
    place = positions(keys, row_hashes(raw))
    return raw[torch.from_numpy(place)] if len(place) and (place >= 0).all() else None


def _array_order(recorded: tuple[Batch, ...]) -> Order | None:
    """Consecutive slices of an array, from its start to its end: the order of the epoch is that of the array."""
    source, first = recorded[0].input_leaf.source, recorded[0]
    target_source = first.target_leaf.source if first.target_leaf is not None else None
    origin = getattr(source, "origin", None)
    labels = getattr(target_source, "origin", None)
    if origin is None or labels is None or first.target is None or origin.dim() == 0:
        return None
    if len(origin) != len(labels) or origin.numel() * origin.element_size() > MOST_ORIGIN_BYTES:
        return None
    if origin[0].numel() != first.inputs[0].numel() or labels[0].numel() != first.target[0].numel():
        return None
    table = origin.detach().cpu().to(first.inputs.dtype).reshape(len(origin), *first.inputs.shape[1:])
    starts = _starts_of_slices(recorded, row_hashes(table))
    if starts is None or len(first.inputs) >= len(origin):
        return None
    size = len(first.inputs)
    sizes = tuple(min(size, len(origin) - low) for low in range(0, len(origin), size))
    target = labels.detach().cpu().to(first.target.dtype).reshape(len(labels), *first.target.shape[1:])
    codes = class_labels(target, first.flow.loss)
    return Order(
        sizes,
        codes,
        regression_values(target) if codes is None else None,
        table,
        True,
        "arrays",
        _first_place(first),
    )


@dataclass(frozen=True)
class ArrayDraws:
    """Recorded steps that cut their batches from an array of ``rows``: rows drawn, and different ones.

    validated_elsewhere: validation batches come from the same array, so that a part of it is left out on purpose.
    span: rows of the array from the first that was drawn to the last one.
    """

    rows: int
    drawn: int
    distinct: int
    validated_elsewhere: bool
    span: int


def array_draws(case: Case) -> ArrayDraws | None:
    """None where batches are not rows of one array, or each row of it is used in every step."""
    kept: dict[bytes, Batch] = {}
    for batch in batches(case):
        origin = getattr(batch.input_leaf.source, "origin", None)
        if origin is None or origin.dim() == 0 or origin[0].numel() != batch.inputs[0].numel():
            return None
        kept.setdefault(np.sort(row_hashes(batch.inputs)).tobytes(), batch)
    if len(kept) < 2:
        return None
    first = next(iter(kept.values())).input_leaf.source.origin
    kept = {key: batch for key, batch in kept.items() if batch.input_leaf.source.origin is first}
    origin = first
    if len(kept) < 2:
        return None
    hashes = np.concatenate([row_hashes(batch.inputs) for batch in kept.values()])
    array = origin.detach().cpu().to(next(iter(kept.values())).inputs.dtype).reshape(len(origin), -1)
    there_are = (
        len(np.unique(row_hashes(array))) if array.numel() * array.element_size() < MOST_ORIGIN_BYTES else 0
    )
    if there_are < 2:
        return None
    elsewhere = any(
        getattr(batch.input_leaf.source, "origin", None) is origin for batch in batches(case, "validation")
    )
    place = positions(hashes, row_hashes(array))
    span = int(np.ptp(place[place >= 0])) + 1 if (place >= 0).any() else there_are
    return ArrayDraws(there_are, len(hashes), len(np.unique(hashes)), elsewhere, span)


def _starts_of_slices(recorded: tuple[Batch, ...], table: Hashes) -> list[int] | None:
    """First positions of the recorded batches if each is a slice of the table and each begins where one ended."""
    starts: list[int] = []
    for batch in recorded:
        place = positions(row_hashes(batch.inputs), table)
        if len(place) < 2 or place[0] < 0 or (np.diff(place) != 1).any():
            return None
        if starts and place[0] not in (starts[-1], starts[-1] + len(recorded[0].inputs), 0):
            return None
        starts.append(int(place[0]))
    return starts if len(set(starts)) >= 2 else None


def _steps_order(recorded: tuple[Batch, ...]) -> Order | None:
    """The recorded steps themselves, each batch once."""
    kept: dict[bytes, Batch] = {}
    for batch in recorded:
        if batch.target is not None:
            kept.setdefault(row_hashes(batch.inputs).tobytes(), batch)
    chosen = [
        batch
        for batch in kept.values()
        if batch.inputs.shape[1:] == recorded[0].inputs.shape[1:]
        and batch.target is not None
        and recorded[0].target is not None
        and batch.target.shape[1:] == recorded[0].target.shape[1:]
    ]
    if len(chosen) < 2:
        return None
    target = torch.cat([batch.target for batch in chosen if batch.target is not None])
    codes = class_labels(target, recorded[0].flow.loss)
    inputs = torch.cat([batch.inputs for batch in chosen])
    values = regression_values(target) if codes is None else None
    fixed = _comes_again(recorded, len(kept))
    return Order(
        tuple(len(batch.inputs) for batch in chosen),
        codes,
        values,
        inputs,
        fixed,
        "steps",
        _first_place(recorded[0]),
        fixed or _in_other_company(chosen) or (codes is not None and len({len(batch.inputs) for batch in chosen[:-1]}) < 2),
    )


def _in_other_company(chosen: Sequence[Batch]) -> bool:
    """Whether rows are met again with the same target and another row behind them: then they are drawn one by one, and are no
    nodes of a graph or states of an episode, which belong together.
    """
    behind: dict[int, tuple[int, int]] = {}
    again = alone = 0
    for batch in chosen:
        assert batch.target is not None
        keys, targets = row_hashes(batch.inputs).tolist(), row_hashes(batch.target).tolist()
        for (key, following), target in zip(pairwise(keys), targets, strict=False):
            if key in behind:
                again += 1
                alone += behind[key][0] != following and behind[key][1] == target
            behind[key] = following, target
    return again >= LEAST_AGAIN and alone > again // 2


def _comes_again(recorded: tuple[Batch, ...], period: int) -> bool:
    """Whether the same batches come again in the same order after ``period`` different ones."""
    keys = [key for key, _ in groupby(row_hashes(batch.inputs).tobytes() for batch in recorded)]
    again = len(keys) - period
    return period >= 2 and again >= LEAST_AGAIN and all(keys[k] == keys[k + period] for k in range(again))


def _first_place(batch: Batch) -> Place | None:
    return batch.flow.node.place or batch.place
