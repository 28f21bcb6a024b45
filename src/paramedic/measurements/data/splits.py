"""Rows of one split that stand in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paramedic.measurements.data.label_noise import collision_logs
from paramedic.measurements.data.pairing import Hashes, positions


@dataclass(frozen=True)
class Overlap:
    """rows: rows of the second set that stand in the first; expected: how many would by chance; examples: pairs of
    positions (first set, second set)."""

    rows: int
    expected: float
    examples: tuple[tuple[int, int], ...]


def overlap(first: Hashes, second: Hashes, collision: float = 0.0) -> Overlap:
    """Exact matches by hash; ``collision`` is the probability that two unrelated rows are equal."""
    place = positions(second, first)
    hits = np.flatnonzero(place >= 0)
    examples = tuple((int(place[hit]), int(hit)) for hit in hits[:5])
    return Overlap(len(hits), len(first) * len(second) * collision, examples)


def collision_probability(values: NDArray[Any]) -> float:
    """That two unrelated rows of (n, d) values are equal: prod_j (sum_v p_jv^2)^(1/2).

    The square root keeps half of the bits of the columns' collision entropy, as a guard for their correlation.
    """
    return float(np.exp(0.5 * collision_logs(values).sum()))


def repeated_share(hashes: Hashes) -> float:
    """Share of rows that equal another row of the same set."""
    _, counts = np.unique(hashes, return_counts=True)
    return float(counts[counts > 1].sum() / max(1, len(hashes)))
