"""What one or several passes of a loader delivered, from the hashes of the rows; exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True)
class PassFacts:
    """One pass. rows: delivered; distinct: different ones; equal_batches: batches whose set of rows came before."""

    batches: int
    rows: int
    distinct: int
    equal_batches: int


def pass_facts(batches: Sequence[Hashes]) -> PassFacts:
    """Facts about the batches of one pass, each given by the hashes of its rows."""
    every = np.concatenate(list(batches)) if batches else np.zeros(0, dtype=np.uint64)
    sets = {np.sort(batch).tobytes() for batch in batches if len(batch)}
    filled = sum(1 for batch in batches if len(batch))
    return PassFacts(len(batches), len(every), len(np.unique(every)), filled - len(sets))


def joined(first: Sequence[Hashes], second: Sequence[Hashes]) -> list[Hashes]:
    """Hashes of rows that consist of two tensors."""
    return [a * np.uint64(3) + b for a, b in zip(first, second, strict=True)]


def coverage(passes: Sequence[Hashes], rows: int) -> tuple[int, float]:
    """Distinct rows over all passes, and how many were expected if each pass had drawn its rows at random.

    ``rows`` is the number of rows that there are to draw.
    """
    seen = len(np.unique(np.concatenate(list(passes)))) if passes else 0
    unseen = math.prod(max(0.0, 1.0 - len(np.unique(part)) / rows) for part in passes) if rows else 0.0
    return seen, rows * (1.0 - unseen)


def same_order(first: Hashes, second: Hashes) -> bool:
    """Whether two passes delivered the same rows in the same order (chance: 1 / n!)."""
    return len(first) > 1 and len(first) == len(second) and bool((first == second).all())
