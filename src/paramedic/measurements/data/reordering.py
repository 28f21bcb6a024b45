"""Orders in which one of two lists may have been read by mistake, and which of them makes inputs and targets agree."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import cdist

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NEIGHBOURS = 6
MOST_FACTORS = 24  # of the ways to see a list as a table that is read column by column
PERMUTATIONS = 499


@dataclass(frozen=True)
class Reordering:
    """what: in words; z: of the agreement of rows that look alike, against permutations of the targets.

    before, after: how well the rows most alike foretell a target as paired, and in the other order: the share of the labels
    that is right, or of the values' variance that is explained; interval: 95 % of the difference; rows: of them.
    """

    what: str
    z: float
    before: float
    after: float
    interval: tuple[float, float]
    rows: int


def reorderings(count: int) -> Iterator[tuple[str, Ints]]:
    """(what happened, target of each row) for the mistakes that put a list of ``count`` names into another order."""
    numbers = np.arange(count)
    for start in (0, 1):
        as_text = np.array(sorted(range(start, start + count), key=str)) - start
        if not np.array_equal(as_text, numbers):
            listed = ", ".join(str(start + item) for item in as_text[:4])
            yield f"the rows' names were sorted as text ({listed}, ...), and the targets by number", as_text
            yield f"the targets' names were sorted as text ({listed}, ...), and the rows by number", np.argsort(as_text)
    yield "one of the two was reversed", numbers[::-1].copy()
    factors = [item for item in range(2, count // 2 + 1) if count % item == 0]
    for columns in factors[: MOST_FACTORS // 2] + factors[MOST_FACTORS // 2 :][-MOST_FACTORS // 2 :]:
        turned = numbers.reshape(-1, columns).T.reshape(-1)
        yield f"one of the two was read row by row, the other column by column (of {columns} columns)", turned


def best_reordering(features: Floats, rows: Ints, targets: Floats, classes: bool, seed: int = 0) -> Reordering | None:
    """The reordering in which similar rows agree best in their targets.

    features (n, d) of the rows at positions ``rows`` (n,) of a list; targets (N,) of the whole list: class numbers, or
    values; not a number where they are not known. None where there is no list of at least two.
    """
    distances = cdist(features, features)
    np.fill_diagonal(distances, np.inf)
    count = min(NEIGHBOURS, len(rows) - 1)
    if count < 1:
        return None
    nearest = np.argpartition(distances, count - 1, axis=1)[:, :count]
    known = np.isfinite(targets)
    values = targets if classes else np.where(known, stats.rankdata(targets, nan_policy="omit") / known.sum(), np.nan)

    def agreement(chosen: Floats) -> float:
        mine, theirs = chosen[:, None], chosen[nearest]
        both = np.isfinite(mine + theirs)
        alike = (mine == theirs) if classes else -((mine - theirs) ** 2)
        return float(alike[both].mean()) if both.any() else 0.0

    generator = np.random.default_rng(seed)
    null = np.array([agreement(generator.permutation(values)[rows]) for _ in range(PERMUTATIONS)])
    scores = [
        ((agreement(values[order[rows]]) - null.mean()) / (null.std() + 1e-12), what, order)
        for what, order in reorderings(len(targets))
    ]
    if not scores:
        return None
    z, what, order = max(scores, key=lambda item: item[0])
    given, other = values[rows], values[order[rows]]
    both = np.isfinite(given + other)
    gains = _foretold(given, nearest, classes)[both], _foretold(other, nearest, classes)[both]
    difference = gains[1] - gains[0]
    spread = 1.96 * float(difference.std(ddof=1)) / math.sqrt(len(difference))
    middle = float(difference.mean())
    return Reordering(
        what, float(z), float(gains[0].mean()), float(gains[1].mean()), (middle - spread, middle + spread), int(both.sum())
    )


def _foretold(values: Floats, nearest: Ints, classes: bool) -> Floats:
    """Of each row: 1 where the commonest class of the rows most alike is its own, else 0; of values, the part of the mean
    squared deviation that their mean takes away. Rows without a target, or without such rows, take nothing away.
    """
    theirs = values[nearest]
    if not classes:
        spread = float(np.nanvar(values)) + 1e-12
        counted = np.isfinite(theirs).sum(axis=1)
        mean = np.where(counted > 0, np.nansum(theirs, axis=1) / np.maximum(counted, 1), np.nanmean(values))
        return np.asarray(np.nan_to_num(((values - np.nanmean(values)) ** 2 - (values - mean) ** 2) / spread))
    names = np.unique(values[np.isfinite(values)])
    votes = (theirs[:, :, None] == names).sum(axis=1)
    return np.asarray((names[votes.argmax(axis=1)] == values) & (votes.max(axis=1) > 0), dtype=np.float64)
