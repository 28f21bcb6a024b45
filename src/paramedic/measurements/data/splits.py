"""Rows of one split that stand in another, or nearly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

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
    """rows: of the second set, nearer than NEAR to a row of the first, nearest first; usual: share of the first set's
    rows that are so near to another of them, with a margin for its own error; p: that so many are near by chance.
    """

    rows: tuple[int, ...]
    usual: float
    p: float


# Distances are shares of the distance of the first set's row from its own nearest neighbour: rows lie denser in some
# places than in others. China and flower, 301 patches: 40 of them are nearer to each other than a quarter of the median
# distance, none than a quarter of the local one.
NEAR, CLOSE = 0.25, 0.1
NEIGHBOURS = 12
# Share of the rows' dimension by which the rate of chance neighbours is taken to fall from NEAR to CLOSE.
COUNTED_DIMENSION = 0.75


def near_copies(first: NDArray[np.float64], second: NDArray[np.float64]) -> NearCopies:
    """(n, d) and (m, d) rows, standardized by the first set; each with its nearest row of the first set.

    p: binomial, for those within NEAR, and for those within CLOSE, of which fewer are needed.
    """
    from sklearn.neighbors import NearestNeighbors

    mean, spread = first.mean(axis=0), first.std(axis=0)
    used = spread > 0
    if not used.any() or len(first) <= NEIGHBOURS:
        return NearCopies((), 1.0, 1.0)
    known, other = ((part[:, used] - mean[used]) / spread[used] for part in (first, second))
    index = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(known)
    distances, neighbours = index.kneighbors(known)
    nearest = neighbours[:, 1]
    own = distances[:, 1] / _next_distance(distances, neighbours, nearest, np.arange(len(known)))
    found, places = index.kneighbors(other, n_neighbors=1)
    theirs = found[:, 0] / _next_distance(distances, neighbours, places[:, 0], places[:, 0])
    usual = (int((own < NEAR).sum()) + 1) / (len(own) + 2)  # Laplace's rule
    closest = usual * (CLOSE / NEAR) ** (COUNTED_DIMENSION * dimension(distances[:, 1:]))
    chances = [
        float(stats.binom.sf(int((theirs < limit).sum()) - 1, len(theirs), rate))
        for limit, rate in ((NEAR, usual), (CLOSE, closest))
    ]
    hits = np.flatnonzero(theirs < NEAR)
    ordered = tuple(int(row) for row in hits[np.argsort(theirs[hits], kind="stable")])
    return NearCopies(ordered, usual, min(1.0, 2 * min(chances)))


def _next_distance(
    distances: NDArray[np.float64], neighbours: NDArray[np.int64], rows: NDArray[np.int64], without: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Of these rows: the distance of the nearest other row that is not equal, and not the one of ``without``."""
    allowed = (neighbours[rows] != without[:, None]) & (neighbours[rows] != rows[:, None]) & (distances[rows] > 0)
    return np.where(allowed, distances[rows], np.inf).min(axis=1)


def dimension(distances: NDArray[np.float64]) -> float:
    """Intrinsic dimension of rows with the (n, k) distances of their k nearest neighbours, ascending.

    Levina and Bickel 2004, with the average of MacKay and Ghahramani 2005.
    """
    apart = distances[(distances[:, 0] > 0) & (distances[:, -1] > distances[:, 0])]
    if not len(apart):
        return 0.0
    return float(1.0 / np.log(apart[:, -1:] / apart[:, :-1]).mean())
