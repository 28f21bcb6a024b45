"""Whether batches are as mixed as random ones.

References: Pearson's chi-squared test of homogeneity; J. von Neumann 1941 (mean square successive difference).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_ANALYTIC = 5.0  # expected count per cell from which the chi-squared distribution is used (Cochran's rule)
WINDOWS = 0.5  # of the pairs of successive rows that overlap exactly
_TINY = 1e-300


@dataclass(frozen=True)
class Mixture:
    """excess: the statistic divided by its expectation under random order (1 = random). p: upper tail."""

    excess: float
    p: float


def label_mixture(labels: Ints, sizes: Sequence[int], permutations: int = 999, seed: int = 0) -> Mixture:
    """Pearson's chi-squared of label counts over batches; ``labels`` in program order, ``sizes`` of the batches."""
    _, codes = np.unique(labels, return_inverse=True)
    batch = np.repeat(np.arange(len(sizes)), sizes)
    classes = int(codes.max()) + 1
    if classes < 2 or len(sizes) < 2:
        return Mixture(1.0, 1.0)
    expected = np.outer(np.asarray(sizes, float), np.bincount(codes) / len(codes))

    def statistic(order: Ints) -> float:
        counts = np.bincount(batch * classes + order, minlength=len(sizes) * classes).reshape(
            len(sizes), classes
        )
        return float(((counts - expected) ** 2 / expected).sum())

    value = statistic(codes)
    freedom = (len(sizes) - 1) * (classes - 1) * len(codes) / (len(codes) - 1)
    if expected.min() >= _ANALYTIC:
        return Mixture(value / freedom, float(stats.chi2.sf(value, freedom)))
    generator = np.random.default_rng(seed)
    null = np.array([statistic(generator.permutation(codes)) for _ in range(permutations)])
    return Mixture(value / freedom, float((1 + (null >= value).sum()) / (1 + permutations)))


def value_mixture(values: Floats, sizes: Sequence[int], permutations: int = 999, seed: int = 0) -> Mixture:
    """Variance of the batch means of a regression target over its expectation under random order."""
    edges = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    weights = np.asarray(sizes, float)
    if len(sizes) < 2 or values.std() == 0:
        return Mixture(1.0, 1.0)
    ranks = stats.rankdata(values)
    ranks = ranks - ranks.mean()

    def statistic(order: Floats) -> float:
        return float((np.add.reduceat(order, edges) ** 2 / weights).sum())

    value = statistic(ranks)
    generator = np.random.default_rng(seed)
    null = np.array([statistic(generator.permutation(ranks)) for _ in range(permutations)])
    return Mixture(value / float(null.mean()), float((1 + (null >= value).sum()) / (1 + permutations)))


@dataclass(frozen=True)
class SingleLabel:
    """batches that hold one class only, of ``batches`` ones; expected number and p under random order."""

    single: int
    batches: int
    expected: float
    p: float


def single_label_batches(labels: Ints, sizes: Sequence[int]) -> SingleLabel:
    """Batches of at least two rows with one class, against random batches drawn without replacement.

    The number is taken as a sum of independent draws with the exact probability
    sum_c C(n_c, B) / C(N, B) of each batch; ``p`` is the Poisson-binomial tail, bounded by the binomial with the
    largest probability.
    """
    edges = np.concatenate([[0], np.cumsum(sizes)])
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    kept = [(int(low), int(high)) for low, high in pairwise(edges) if high - low >= 2]
    if not kept or len(counts) < 2:
        return SingleLabel(0, len(kept), 0.0, 1.0)
    single = sum(1 for low, high in kept if (codes[low:high] == codes[low]).all())
    chances = [_one_class_chance(counts, high - low) for low, high in kept]
    p = float(stats.binom.sf(single - 1, len(kept), min(1.0, max(chances)))) if single else 1.0
    return SingleLabel(single, len(kept), float(sum(chances)), p)


def _one_class_chance(counts: Ints, size: int) -> float:
    possible = counts[counts >= size].astype(float)
    n = float(counts.sum())
    logs = _log_choose(possible, size) - _log_choose(np.array([n]), size)
    return float(np.exp(logs).sum())


def _log_choose(n: Floats, k: int) -> Floats:
    result: Floats = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return result


def are_windows(rows: NDArray[Any], most: int = 8) -> bool:
    """Whether (n, ...) rows are windows of one series: row i + 1 begins with what row i has from entry s on."""
    flat = rows.reshape(len(rows), -1)
    if len(flat) < 3 or flat.shape[1] < 3:
        return False
    varying = np.abs(np.diff(flat, axis=1)).sum(axis=1) > 0
    for shift in range(1, min(most, flat.shape[1] - 1) + 1):
        equal = (flat[1:, :-shift] == flat[:-1, shift:]).all(axis=1)
        if (equal & varying[1:]).mean() > WINDOWS:
            return True
    return False


@dataclass(frozen=True)
class Succession:
    """ratio: von Neumann's, 1 under random order and below 1 where successive rows are alike; p: lower tail."""

    ratio: float
    p: float


def succession(features: Floats) -> Succession:
    """Multivariate von Neumann ratio E||f_i - f_{i+1}||^2 / (2 tr Cov) of (n, d) features in program order.

    The null is the normal approximation of the permutation distribution: variance sum_jk c_jk^2 / (sum c_jj)^2 / n
    of the lag-one autocorrelation.
    """
    n = len(features)
    centred = features - features.mean(axis=0)
    total = float((centred**2).sum())
    if n < 10 or total <= 0:
        return Succession(1.0, 1.0)
    ratio = float((np.diff(features, axis=0) ** 2).sum()) / (n - 1) / (2 * total / (n - 1) + _TINY)
    # sum_jk c_jk^2 and sum c_jj are those of the rows' products as well, which are fewer where a row is a large picture
    products = centred @ centred.T if n < centred.shape[1] else centred.T @ centred
    spread = float(np.sqrt((products**2).sum()) / np.trace(products) / np.sqrt(n))
    return Succession(ratio, float(stats.norm.cdf((ratio - 1.0) / spread)))
