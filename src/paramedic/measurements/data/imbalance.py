"""Classes that are hardly ever recognized, and what half of the rows would cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
DEAD = 0.2  # recall below which a class counts as ignored


@dataclass(frozen=True)
class Ignored:
    """classes whose recall is below DEAD: (class, rows, hits) each, fewest rows first.

    p: of so few hits in the clearest of them if half of its rows were recognized, times the number of classes.
    ratio: rows of the commonest class over rows of the rarest one; balanced: mean recall over the classes.
    largest: rows of the commonest class over all; predicted: number of different answers.
    """

    classes: tuple[tuple[int, int, int], ...]
    p: float
    ratio: float
    balanced: float
    accuracy: float
    largest: float
    predicted: int


def ignored_classes(labels: Ints, predicted: Ints) -> Ignored:
    """From the labels and predictions of n rows."""
    present, counts = np.unique(labels, return_counts=True)
    hits = np.array([int((predicted[labels == label] == label).sum()) for label in present])
    missing = [
        (int(label), int(count), int(hit))
        for count, label, hit in sorted(zip(counts, present, hits, strict=True))
        if hit < DEAD * count
    ]
    chances = [float(stats.binom.cdf(hit, count, 0.5)) for _, count, hit in missing]
    return Ignored(
        tuple(missing),
        min(1.0, len(present) * min(chances, default=1.0)),
        float(counts.max() / counts.min()),
        float((hits / counts).mean()),
        float((labels == predicted).mean()),
        float(counts.max() / counts.sum()),
        len(np.unique(predicted)),
    )


@dataclass(frozen=True)
class HalfData:
    """Held-out error of a probe trained on all rows and on half of them, the paired z of the difference."""

    error: float
    half_error: float
    z: float


def half_data(features: Floats, labels: Ints, repeats: int = 4, seed: int = 0) -> HalfData:
    """Logistic regression on (n, d) features; held-out quarter; the halves are drawn ``repeats`` times."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split

    rows: NDArray[Any] = np.arange(len(labels))
    fit, held = train_test_split(rows, test_size=0.25, random_state=seed, stratify=labels)
    generator = np.random.default_rng(seed)

    def wrong(chosen: NDArray[Any]) -> Floats:
        if len(np.unique(labels[chosen])) < 2:
            return np.ones(len(held))
        model = LogisticRegression(max_iter=200).fit(features[chosen], labels[chosen])
        return np.asarray((model.predict(features[held]) != labels[held]).astype(float))

    whole = wrong(fit)
    half = np.mean([wrong(generator.permutation(fit)[: len(fit) // 2]) for _ in range(repeats)], axis=0)
    difference = half - whole
    spread = difference.std(ddof=1) / np.sqrt(len(held))
    z = float(difference.mean() / spread) if spread > 0 else 0.0
    return HalfData(float(whole.mean()), float(half.mean()), z if np.isfinite(z) else 0.0)
