"""Whether a quantity gets better or worse while a network learns, and what waiting on it comes to in either mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

EXACT = 8  # calls up to which all orders are counted (40,320)


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation, and the one-sided p of one as low as this between unrelated quantities."""

    rho: float
    p: float


def opposed(quantity: Sequence[float], other: Sequence[float]) -> Correlation:
    """How much one falls where the other rises; (0, 1) where one of them never changes."""
    one, two = stats.rankdata(quantity), stats.rankdata(other)
    if len(one) < 3 or np.ptp(one) == 0 or np.ptp(two) == 0:
        return Correlation(0.0, 1.0)
    found = stats.spearmanr(one, two, alternative="less")
    rho, p = float(found.statistic), float(found.pvalue)
    if len(one) <= EXACT:
        exact = stats.permutation_test(
            (one,), lambda order: stats.pearsonr(order, two).statistic, permutation_type="pairings",
            alternative="less", n_resamples=np.inf,
        )  # fmt: skip
        p = float(exact.pvalue)
    return Correlation(rho, p)


def acts_at(
    values: Sequence[float], mode: str, patience: int, threshold: float = 0.0, relative: bool = False
) -> int | None:
    """The first call at which one that waits on the quantity in this mode acts; None if it would not."""
    sign = 1.0 if mode == "max" else -1.0
    best, waited = -np.inf, 0
    for number, value in enumerate(values):
        least = threshold * (abs(best) if relative else 1.0) if np.isfinite(best) else 0.0
        if sign * value > best + least:
            best, waited = sign * value, 0
        else:
            waited += 1
        if waited >= patience:
            return number
    return None


def means_between(marks: Sequence[int], steps: Sequence[int], values: Sequence[float]) -> list[float]:
    """Per mark, the mean of what was seen at the steps since the mark before (nan without any)."""
    at, seen = np.asarray(steps), np.asarray(values, dtype=float)
    means, before = [], 0
    for mark in marks:
        inside = seen[(at >= before) & (at < mark) & np.isfinite(seen)]
        means.append(float(inside.mean()) if len(inside) else float("nan"))
        before = max(before, mark)
    return means
