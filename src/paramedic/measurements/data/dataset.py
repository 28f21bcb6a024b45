"""Rows read from a map-style dataset without leaving a mark on the random number generators."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import keystr, tree_flatten_with_path
from torch.utils.data import TensorDataset, default_collate

from paramedic.measurements.data.hashing import row_hashes
from paramedic.trace.random_state import random_states_kept

READ_SECONDS = 2.0  # for one reading of a dataset; what was read until then is a uniform sample all the same


@dataclass(frozen=True)
class Sample:
    """Rows of a dataset: ``index[k]`` is the position of the k-th row; ``tensors`` by path ("[0]", "['image']").

    complete: every row of the dataset was read.
    """

    index: np.ndarray[Any, Any]
    tensors: dict[str, Tensor]
    complete: bool


def sample_rows(
    dataset: Any,
    limit: int,
    collate: Callable[[list[Any]], Any] | None = None,
    seconds: float = READ_SECONDS,
    seed: int = 0,
) -> Sample | None:
    """Up to ``limit`` rows at positions drawn uniformly without replacement, in ascending order.

    None for datasets without length or index, for rows that cannot be put together, and for errors of the
    dataset's own code.
    """
    try:
        length = len(dataset)
    except Exception:  # the dataset's own code, or none: iterable datasets have no length
        return None
    if length < 1:
        return None
    order = np.random.default_rng(seed).permutation(length)[:limit]
    with random_states_kept():
        try:
            return _tensor_rows(dataset, order, length) or _read(dataset, order, length, collate, seconds)
        except Exception:  # whatever the user's code raises: the caller then knows nothing of the dataset
            return None


def _tensor_rows(dataset: Any, order: np.ndarray[Any, Any], length: int) -> Sample | None:
    if type(dataset) is not TensorDataset:
        return None
    index = np.sort(order)
    chosen = torch.from_numpy(index)
    tensors = {f"[{number}]": tensor.detach()[chosen].cpu() for number, tensor in enumerate(dataset.tensors)}
    return Sample(index, tensors, len(index) == length)


def _read(
    dataset: Any,
    order: np.ndarray[Any, Any],
    length: int,
    collate: Callable[[list[Any]], Any] | None,
    seconds: float,
) -> Sample | None:
    deadline = time.monotonic() + seconds
    rows: dict[int, Any] = {}
    for position in order.tolist():
        rows[position] = dataset[position]
        if time.monotonic() > deadline:
            break
    index = np.array(sorted(rows))
    ordered = [rows[position] for position in index.tolist()]
    tensors = _together(ordered, collate)
    return Sample(index, tensors, len(index) == length) if tensors else None


def _together(rows: list[Any], collate: Callable[[list[Any]], Any] | None) -> dict[str, Tensor]:
    """Tensors by path. A collate function of the user's may pair rows wrongly: the default one goes first."""
    for function in (default_collate, collate):
        if function is None:
            continue
        try:
            tensors = by_path(function(rows))
        except (TypeError, RuntimeError, ValueError):
            continue
        tensors = {
            path: tensor.cpu() for path, tensor in tensors.items() if tensor.dim() and len(tensor) == len(rows)
        }
        if tensors:
            return tensors
    return {}


MOST_STORED_BYTES = 64 << 20


def changes_when_read(dataset: Any, index: int = 0) -> bool:
    """Whether reading a row changes the stored data in place, so that the next reading gives another row.

    Both readings start from the same states of the generators; caches that are merely filled do not count.
    """
    with random_states_kept():
        try:
            before = _stored_keys(dataset)
            if not before:
                return False
            first = _shapes_and_keys(dataset[index])
        except Exception:  # the dataset's own code
            return False
    with random_states_kept():
        try:
            again = _shapes_and_keys(dataset[index])
        except Exception:
            return False
    after = _stored_keys(dataset)
    return first != again and any(before[name] != after.get(name, before[name]) for name in before)


def _stored_keys(dataset: Any, depth: int = 3) -> dict[str, tuple[int, ...]]:
    """Hashes of the arrays that a dataset (or the one below it) holds as attributes."""
    found = {}
    for name, value in list(getattr(dataset, "__dict__", {}).items()):
        if isinstance(value, (Tensor, np.ndarray)) and value.nbytes <= MOST_STORED_BYTES and np.ndim(value):
            try:
                found[name] = tuple(row_hashes(value).tolist())
            except (TypeError, RuntimeError):
                continue
        elif name == "dataset" and depth:
            found |= {f"dataset.{key}": keys for key, keys in _stored_keys(value, depth - 1).items()}
    return found


FAR = 10**9  # a position that no dataset in memory has


def rows_beyond_length(dataset: Any, length: int) -> int:
    """How many positions from ``length`` on can be read as rows: 0, or a lower bound.

    Only for datasets that end somewhere (position FAR raises an error), whose rows beyond the length have the shapes
    of the first row, are new, and are the same at every reading.
    """
    with random_states_kept():
        try:
            first, again = _shapes_and_keys(dataset[0]), _shapes_and_keys(dataset[0])
            beyond, twice = _shapes_and_keys(dataset[length]), _shapes_and_keys(dataset[length])
            if first[0] != beyond[0] or first != again or beyond != twice:
                return 0
        except Exception:  # the healthy case: the position does not exist
            return 0
        if _readable(dataset, FAR, first[0]):
            return 0
        known = {_shapes_and_keys(dataset[position])[1] for position in range(min(length, 64))}
        if beyond[1] in known:
            return 0
        more = 1
        for share in (0.02, 0.05, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
            if not _readable(dataset, length + int(share * length), first[0]):
                break
            more = int(share * length) + 1
        return more


def _shapes_and_keys(row: Any) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    tensors = by_path(default_collate([row])).values()
    shapes = tuple((tuple(tensor.shape), tensor.dtype) for tensor in tensors)
    return shapes, tuple(int(key) for tensor in tensors for key in row_hashes(tensor))


def _readable(dataset: Any, position: int, shapes: tuple[Any, ...]) -> bool:
    try:
        return _shapes_and_keys(dataset[position])[0] == shapes
    except Exception:  # the position does not exist
        return False


def by_path(batch: Any) -> dict[str, Tensor]:
    """The tensors of a batch by their path ("[0]", "['image']"; "" for a bare tensor), in order."""
    leaves, _ = tree_flatten_with_path(batch)
    return {keystr(path): leaf for path, leaf in leaves if isinstance(leaf, Tensor)}


def together(tensors: Sequence[Tensor]) -> Tensor | None:
    """Concatenation of those tensors that have the row shape and dtype of the first."""
    if not tensors:
        return None
    first = tensors[0]
    same = [item for item in tensors if item.shape[1:] == first.shape[1:] and item.dtype == first.dtype]
    return torch.cat(same)
