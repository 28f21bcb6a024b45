"""How values are distributed: counts in bins of equal width, with the mean and standard deviation of a normal curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

BINS = 33  # odd: the mean has a bin of its own
WIDTH_IN_STD = 4.0  # the bins reach so many standard deviations to each side of the mean; the rest is in the outer ones
LEAST_REACH = 1e-6  # of the bins to each side, as a share of the mean's size: equal values have no width


class Histogram(NamedTuple):
    """``counts`` are of the finite values, in BINS bins from ``low`` to ``high``; ``nonfinite`` counts the others."""

    low: float
    high: float
    mean: float
    std: float
    nonfinite: int
    counts: tuple[int, ...]


Values = np.ndarray[Any, Any]


def histogram(values: Values) -> Histogram | None:
    """Of all values of an array; None where fewer than two of them are finite, or they are too large for a sum."""
    return histograms([values])[0]


def histograms(samples: Sequence[Values]) -> list[Histogram | None]:
    """Of each sample: those of one length are counted together, which costs little more than one alone."""
    found: list[Histogram | None] = [None] * len(samples)
    groups: dict[int, list[int]] = {}
    for number, item in enumerate(samples):
        groups.setdefault(item.size, []).append(number)
    for size, numbers in groups.items():
        if size < 2:
            continue
        rows = np.stack([samples[number].reshape(-1) for number in numbers]).astype(np.float64, copy=False)
        for number, row in zip(numbers, _of_rows(rows), strict=True):
            found[number] = row
    return found


def _of_rows(rows: Values) -> list[Histogram | None]:
    """Of each of (n, m) float64 rows."""
    with np.errstate(all="ignore"):
        finite = np.isfinite(rows)
        counted = finite.sum(axis=1)
        values = rows if finite.all() else np.where(finite, rows, 0.0)
        mean = values.sum(axis=1) / counted
        centred = values - mean[:, None]
        std = np.sqrt(np.square(np.where(finite, centred, 0.0)).sum(axis=1) / counted)
        reach = np.where(std > 0, WIDTH_IN_STD * std, LEAST_REACH * np.where(mean == 0, 1.0, np.abs(mean)))
        whole = (counted > 1) & np.isfinite(mean) & np.isfinite(reach) & np.isfinite(np.abs(mean) + reach)
        place = (centred + reach[:, None]) * (BINS / (2 * reach))[:, None]
        place = np.where(finite & whole[:, None], place, 0.0)
    bins = np.clip(place, 0, BINS - 1).astype(np.int64) + BINS * np.arange(len(rows))[:, None]
    counts = np.bincount(bins[finite], minlength=BINS * len(rows)).reshape(len(rows), BINS)
    lost = rows.shape[1] - counted
    return [
        Histogram(float(m - r), float(m + r), float(m), float(s), int(gone), tuple(row.tolist())) if good else None
        for m, r, s, gone, row, good in zip(mean, reach, std, lost, counts, whole, strict=True)
    ]
