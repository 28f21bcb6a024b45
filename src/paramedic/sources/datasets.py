"""Objects of the user's own: a Dataset, a DataLoader, an iterable of rows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from paramedic.measurements.data.dataset import by_path
from paramedic.measurements.data.hashing import row_hashes
from paramedic.sources.reader import Chunk, Collected, SourceError, ranges, split_of
from paramedic.trace.dataset import Kind, Problem, Split
from paramedic.trace.place import Place
from paramedic.trace.random_state import random_states_kept
from paramedic.trace.setup import LoaderRecord

PART_ROWS = 256
PASSES = 2  # over a loader: the second one tells whether the order changes
MOST_BATCHES = 2000  # of one pass whose rows are hashed
KEPT_BATCHES = 20  # whose inputs are kept as they are, as many as a run records of its first steps
KEPT_BYTES = 16 << 20
INPUT_NAMES = ("image", "images", "pixel_values", "input_ids", "x", "input", "inputs", "features", "data", "img")
TARGET_NAMES = ("label", "labels", "y", "target", "targets", "class")


def columns_of(tensors: dict[str, Tensor], label: str | None) -> tuple[str, str | None]:
    """Paths of the input and of the target in a batch: by name, else the first and the last tensor."""
    paths = list(tensors)

    def named(names: tuple[str, ...]) -> str | None:
        return next((path for name in names for path in paths if path.strip("[]'\"") == name), None)

    target = named((label,)) if label else named(TARGET_NAMES)
    if label and target is None:
        raise SourceError(f'a row has no "{label}" (it has {", ".join(paths) or "one tensor"})')
    rest = [path for path in paths if path != target]
    if target is None and len(paths) > 1:
        target, rest = paths[-1], paths[:-1]
    source = named(INPUT_NAMES)
    return (source if source in rest else rest[0]), target


class DatasetReader:
    """A map-style dataset: every row is read once, in order. Rows that fail, or have another shape, are named."""

    kind: Kind = "dataset"

    def __init__(self, dataset: Any, name: str, label: str | None = None, place: Place | None = None) -> None:
        self.dataset, self.name, self.label, self.place = dataset, name, label, place
        self.length = len(dataset)
        if not self.length:
            raise SourceError(f"{name} holds no rows")
        self.columns, self.shape, self.dtype = self._sniff()
        self.row_bytes = max(1, int(np.prod(self.shape)) * 8)

    def _sniff(self) -> tuple[tuple[str, str | None], tuple[int, ...], torch.dtype]:
        error: Exception | None = None
        with random_states_kept():
            for position in range(min(self.length, 8)):
                try:
                    tensors = by_path(default_collate([tensors_in(self.dataset[position])]))
                    if tensors:
                        columns = columns_of(tensors, self.label)
                        return columns, tuple(tensors[columns[0]].shape[1:]), tensors[columns[0]].dtype
                except SourceError:
                    raise
                except Exception as problem:  # the user's own code
                    error = problem
        text = f": {type(error).__name__}: {error}" if error else ""
        raise SourceError(f"the rows of {self.name} could not be read as tensors{text}")

    def parts(self) -> list[Any]:
        return ranges(self.length, PART_ROWS)

    def read(self, part: tuple[int, int]) -> Iterator[Chunk]:
        positions: list[int] = []
        rows: list[Tensor] = []
        labels: list[Tensor] = []
        problems: list[Problem] = []
        with random_states_kept():
            for position in range(*part):
                try:
                    tensors = by_path(default_collate([tensors_in(self.dataset[position])]))
                    row = tensors[self.columns[0]][0].detach().cpu()
                    label = tensors[self.columns[1]][0].detach().cpu() if self.columns[1] else None
                    if tuple(row.shape) != self.shape:
                        raise ValueError(f"shape {tuple(row.shape)}, others {self.shape}")
                    if label is not None and labels and label.shape != labels[0].shape:
                        raise ValueError(f"target of shape {tuple(label.shape)}, others {tuple(labels[0].shape)}")
                except Exception as error:  # the user's own code, or a damaged row
                    text = f"{type(error).__name__}: {str(error)[:120]}"
                    problems.append(Problem("row", f"{self.name}, row {position}", text))
                    continue
                positions.append(position)
                rows.append(row.to(self.dtype))
                if label is not None:
                    labels.append(label)
        inputs = torch.stack(rows).numpy() if rows else np.zeros((0, *self.shape))
        target = torch.stack(labels).numpy() if labels else None
        yield Chunk(np.array(positions, np.int64), inputs, target, None, {}, problems)

    def name_of(self, position: int) -> str:
        return f"row {position}"

    def place_of(self, position: int) -> Place | None:
        return self.place

    def finish(self, collected: Collected) -> Split:
        return split_of(self, collected)


class StreamReader:
    """An iterable dataset or a loader without a dataset that could be indexed: one pass over its batches."""

    kind: Kind = "loader"

    def __init__(self, batches: Any, name: str, label: str | None = None, place: Place | None = None) -> None:
        self.batches, self.name, self.label, self.place = batches, name, label, place
        self.row_bytes = 4096

    def parts(self) -> list[Any]:
        return [None]

    def read(self, part: Any) -> Iterator[Chunk]:
        first = 0
        columns: tuple[str, str | None] | None = None
        for batch in self.batches:
            tensors = by_path(tensors_in(batch))
            if not tensors:
                raise SourceError(f"the batches of {self.name} hold no tensors")
            columns = columns or columns_of(tensors, self.label)
            inputs = tensors[columns[0]].detach().cpu()
            target = tensors[columns[1]].detach().cpu() if columns[1] else None
            if target is not None and (target.dim() == 0 or len(target) != len(inputs)):
                target = None
            positions = np.arange(first, first + len(inputs))
            yield Chunk(positions, inputs.numpy(), None if target is None else target.numpy())
            first += len(inputs)

    def name_of(self, position: int) -> str:
        return f"row {position} of the pass"

    def place_of(self, position: int) -> Place | None:
        return self.place

    def finish(self, collected: Collected) -> Split:
        return split_of(self, collected)


def tensors_in(row: Any) -> Any:
    """A row with pictures and arrays as tensors, and without what is no number."""
    if isinstance(row, dict):
        return {key: item for key, value in row.items() if (item := tensors_in(value)) is not None}
    if isinstance(row, tuple | list) and not all(isinstance(item, int | float) for item in row):
        return tuple(item for value in row if (item := tensors_in(value)) is not None)
    if isinstance(row, Tensor):
        return row
    if hasattr(row, "convert") and hasattr(row, "getbands"):  # a picture of Pillow
        pixels = torch.from_numpy(np.array(row))
        return pixels.permute(2, 0, 1).contiguous() if pixels.dim() == 3 else pixels[None]
    if isinstance(row, str | bytes) or row is None:
        return None
    try:
        return torch.as_tensor(np.asarray(row))
    except (TypeError, ValueError, RuntimeError):
        return None


def recorded_loader(
    loader: Any, name: str, label: str | None, seconds: float
) -> tuple[LoaderRecord, list[Tensor]]:
    """Two passes over a loader, with the hashes of the rows of its batches: what a training run would record; and the
    inputs of the first batches."""
    record = LoaderRecord(loader, name, role="train")
    kept: list[Tensor] = []
    size = 0
    deadline = time.monotonic() + seconds
    with random_states_kept():
        for _ in range(PASSES):
            known: list[list[Any]] = []
            drawn = 0
            for batch in loader:
                drawn += 1
                tensors = by_path(tensors_in(batch))
                if tensors and len(known) < MOST_BATCHES:
                    source, target = columns_of(tensors, label)
                    chosen = [tensors[source]] + ([tensors[target]] if target else [])
                    inputs = tensors[source].detach().cpu()
                    size += inputs.numel() * inputs.element_size()
                    if inputs.dim() and len(kept) < KEPT_BATCHES and size <= KEPT_BYTES:
                        kept.append(inputs)
                    known.append([row_hashes(item) for item in chosen if item.dim()])
                if time.monotonic() > deadline:
                    break
            record.iterations.append(drawn)
            record.fingerprints.append(known)
            if time.monotonic() > deadline:
                break
    return record, kept


def is_loader(value: Any) -> bool:
    return isinstance(value, DataLoader)


def is_map_style(value: Any) -> bool:
    return hasattr(value, "__getitem__") and hasattr(value, "__len__")
