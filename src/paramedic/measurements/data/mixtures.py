"""Rows that are mixed from two rows of a table, and what their mixed targets say of the two.

Reference: Zhang et al., "mixup: Beyond empirical risk minimization", 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_SHARE = 0.05  # of the weaker of the two rows: below it, rounding of the mixed row hides which row it is
ROUNDING = 2e-6  # of the largest value, in float32
MOST_TRIED = 200  # pairs that agree in one projection


@dataclass(frozen=True)
class Mixtures:
    """mixed: rows that are share * a + (1 - share) * b for two rows of the table, with the share of their target;
    agreeing: those whose target mixes the labels of these two, in this order of shares.
    """

    mixed: int
    agreeing: int


def mixtures(inputs: Floats, soft: Floats, table: Floats, labels: NDArray[Any], seed: int = 0) -> Mixtures:
    """(b, d) rows with (b, C) targets that mix two classes, against (n, d) rows with (n,) class numbers.

    Pairs are looked up in a random projection, sorted, and then compared in full.
    """
    direction: Floats = np.asarray(np.random.default_rng(seed).normal(size=table.shape[1]))
    projected = table @ direction
    order = np.argsort(projected)
    found = [
        agrees
        for row, target in zip(inputs, soft, strict=True)
        if (agrees := _agrees(row, target, table, labels, direction, projected, order)) is not None
    ]
    return Mixtures(len(found), sum(found))


def mixes_two(soft: Floats) -> NDArray[np.bool_]:
    """Which of (b, C) targets are shares of two classes."""
    shares = np.sort(soft, axis=1)[:, ::-1]
    rest = shares[:, 2:].max(axis=1) if soft.shape[1] > 2 else np.zeros(len(soft))
    whole = np.abs(shares[:, 0] + shares[:, 1] - 1.0) < 1e-4
    return np.asarray((shares[:, 1] > LEAST_SHARE) & whole & (np.abs(rest) < 1e-6))


def _agrees(
    row: Floats,
    target: Floats,
    table: Floats,
    labels: NDArray[Any],
    direction: Floats,
    projected: Floats,
    order: NDArray[Any],
) -> bool | None:
    """None where no two rows of the table give the mixed one."""
    first, second = np.argsort(target)[::-1][:2]
    share = float(target[first])
    wanted = (row @ direction - share * projected) / (1.0 - share)
    tolerance = ROUNDING * float(np.abs(row).max() + 1e-12)
    width = 10.0 * tolerance * float(np.sqrt(len(row))) / (1.0 - share)
    ordered = projected[order]
    low, high = np.searchsorted(ordered, wanted - width), np.searchsorted(ordered, wanted + width)
    pairs = [
        (one, int(order[place]))
        for one in np.flatnonzero(high > low)
        for place in range(low[one], high[one])
    ]
    agreeing = None
    for one, other in pairs[:MOST_TRIED]:
        if np.abs(share * table[one] + (1.0 - share) * table[other] - row).max() <= tolerance:
            agreeing = bool(agreeing) or (labels[one] == first and labels[other] == second)
    return agreeing
