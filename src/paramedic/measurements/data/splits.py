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


@dataclass(frozen=True)
class NearCopies:
    """rows: of the second set that lie nearer than NEAR of the median distance between neighbours of the first set;
    usual: share of the first set's rows that do so among themselves, with a margin for its own error."""

    rows: tuple[int, ...]
    usual: float


NEAR = 0.25  # of the median distance of training rows from their nearest training row


def near_copies(first: NDArray[Any], second: NDArray[Any]) -> NearCopies:
    """(n, d) and (m, d) rows, standardized by the first set; each with its nearest row of the first set."""
    from sklearn.neighbors import NearestNeighbors

    mean, spread = first.mean(axis=0), first.std(axis=0)
    used = spread > 0
    if not used.any():
        return NearCopies((), 1.0)
    known, other = ((part[:, used] - mean[used]) / spread[used] for part in (first, second))
    index = NearestNeighbors(n_neighbors=2).fit(known)
    own = index.kneighbors(known)[0][:, 1]
    limit = NEAR * float(np.median(own))
    theirs = index.kneighbors(other, n_neighbors=1)[0][:, 0]
    hits = np.flatnonzero(theirs < limit)
    usual = (int((own < limit).sum()) + 1) / (len(own) + 2)  # Laplace's rule
    return NearCopies(tuple(int(row) for row in hits[np.argsort(theirs[hits], kind="stable")]), usual)
