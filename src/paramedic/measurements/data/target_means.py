"""Columns that hold the mean of the target over groups of rows: over which rows it was taken.

Reference: Micci-Barreca, "A preprocessing scheme for high-cardinality categorical attributes", 2001 (means that are drawn
towards the overall mean: (sum + s * overall) / (count + s)).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_GROUPS = 12  # three coefficients and the strength are fitted
LEAST_OF_GROUP = 2.0  # rows of a group on average
STRENGTHS = (0.0, *np.logspace(-1, 3, 25))
COARSE = (0.0, 1.0, 5.0, 25.0, 125.0)
HOPELESS = 0.5  # left at the best of these: at half or twice the right strength means leave 0.3 and less
ROUNDS = 40  # of the golden section between two of these


@dataclass(frozen=True)
class TargetMeans:
    """column: of the inputs. everywhere, training: root mean square of what the means over all rows, and over training rows,
    leave of the column's spread. groups: different values of the column; strength: rows that the overall mean counts for."""

    column: int
    everywhere: float
    training: float
    groups: int
    strength: float


def target_means(train: Floats, target: Floats, other: Floats, other_target: Floats) -> Iterator[TargetMeans]:
    """Of every column of (n, d) training and (m, d) other rows whose values repeat, with their (n,) and (m,) targets; columns
    that means over all rows do not give at all are left out."""
    values, targets = np.concatenate([train, other]), np.concatenate([target, other_target])
    own = np.arange(len(values)) < len(train)
    for column in range(values.shape[1]):
        level, group = np.unique(values[:, column], return_inverse=True)
        counts = np.bincount(group)
        if len(level) < LEAST_GROUPS or len(values) < LEAST_OF_GROUP * len(level):
            continue
        everywhere, strength = _left(level, counts, _sums(group, targets, len(level)))
        if everywhere > HOPELESS:
            continue
        known = np.bincount(group[own], minlength=len(level))
        sums = _sums(group[own], targets[own], len(level))
        both = known > 0
        if both.sum() < LEAST_GROUPS or (known == counts).all():
            continue
        training, _ = _left(level[both], known[both], sums[both])
        yield TargetMeans(column, everywhere, training, len(level), strength)


def _sums(group: NDArray[Any], targets: Floats, groups: int) -> Floats:
    return np.asarray(np.bincount(group, targets, minlength=groups), dtype=np.float64)


def _left(level: Floats, counts: NDArray[Any], sums: Floats) -> tuple[float, float]:
    """The least share of the levels' spread that shrunken means leave, and the strength at which they do."""

    def at(strength: float) -> float:
        weight = 1.0 / (counts + strength)
        columns = np.stack([np.ones(len(level)), sums * weight, *([weight] if strength else [])], axis=1)
        rest = level - columns @ np.linalg.lstsq(columns, level, rcond=None)[0]
        return float(np.sqrt((rest**2).mean()) / (level.std() + 1e-300))

    if min(at(strength) for strength in COARSE) > HOPELESS:
        return 1.0, 0.0
    found = [at(strength) for strength in STRENGTHS]
    best = int(np.argmin(found))
    low, high = STRENGTHS[max(0, best - 1)], STRENGTHS[min(len(STRENGTHS) - 1, best + 1)]
    for _ in range(ROUNDS if best else 0):
        first, second = low + 0.382 * (high - low), low + 0.618 * (high - low)
        low, high = (low, second) if at(first) < at(second) else (first, high)
    refined = (low + high) / 2
    return min((found[best], float(STRENGTHS[best])), (at(refined), float(refined)))
