"""Rows of different lengths, found again in their dataset after they were padded to one length."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.pairing import Hashes
from paramedic.trace.random_state import random_states_kept

READ_SECONDS = 2.0  # for the rows of the dataset; what was read until then is compared
MOST_ITEMS = 20_000


def padding_of(batches: Iterable[Tensor]) -> float | None:
    """The value that most rows (b, length, ...) end with; None where no row ends with one and the same value."""
    ends: Counter[float] = Counter()
    for batch in batches:
        if batch.dim() < 2:
            return None
        last = batch[:, -1].reshape(len(batch), -1).double()
        same = (last == last[:, :1]).all(1)
        ends.update(last[same, 0].tolist())
    return ends.most_common(1)[0][0] if ends else None


def content(row: Tensor, padding: float) -> Tensor:
    """A row (length, ...) without the steps at its end that hold nothing but the padding."""
    steps = row.reshape(len(row), -1)
    filled = (steps.double() != padding).any(1).nonzero()
    return row[: int(filled[-1]) + 1] if len(filled) else row[:0]


def content_hashes(rows: Iterable[Tensor], padding: float) -> Hashes:
    """One hash for the content of each row, whatever it was padded to."""
    parts = [content(row, padding).reshape(1, -1).double() for row in rows]
    return np.array([row_hashes(part)[0] if part.numel() else 0 for part in parts], dtype=np.uint64)


def read_pairs(dataset: Any, like: Tensor) -> list[tuple[Tensor, float]]:
    """(input, target) of the rows of a dataset: the first of their values that looks like a row of ``like`` (b, length, ...)
    of any length, and the first single number. Empty where the rows are something else, or the dataset's code fails."""
    found: list[tuple[Tensor, float]] = []
    began = time.thread_time()
    with random_states_kept():
        try:
            for number in range(min(len(dataset), MOST_ITEMS)):
                leaves = [_tensor(leaf) for leaf in tree_leaves(dataset[number], is_leaf=_is_numbers)]
                values = [leaf for leaf in leaves if leaf is not None]
                row = next((leaf for leaf in values if leaf.dim() == like.dim() - 1 and leaf.shape[1:] == like.shape[2:]), None)
                target = next((leaf for leaf in values if leaf.numel() == 1 and leaf is not row), None)
                if row is None or target is None:
                    return []
                found.append((row, float(target)))
                if time.thread_time() - began > READ_SECONDS:
                    break
        except Exception:  # the dataset's own code
            return []
    return found


def _is_numbers(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, (int, float)) for item in value)


def _tensor(value: Any) -> Tensor | None:
    try:
        return value.detach() if isinstance(value, Tensor) else torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        return None
