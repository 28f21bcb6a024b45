"""Classes that are hardly ever recognized, and what half of the rows would cost."""

from __future__ import annotations

from dataclasses import dataclass

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


def ignored_classes(labels: Ints, predicted: Ints, groups: Ints | None = None) -> Ignored:
    """From the labels and predictions of n rows, or pixels.

    groups: the picture of each pixel. Pixels of one picture are right or wrong together, so that pictures are counted for p:
    those that have the class, and those in which half of its pixels are recognized.
    """
    present, counts = np.unique(labels, return_counts=True)
    hits = np.array([int((predicted[labels == label] == label).sum()) for label in present])
    missing = [
        (int(label), int(count), int(hit))
        for count, label, hit in sorted(zip(counts, present, hits, strict=True))
        if hit < DEAD * count
    ]
    counted = missing if groups is None else [_by_group(label, labels, predicted, groups) for label, *_ in missing]
    chances = [float(stats.binom.cdf(hit, count, 0.5)) for _, count, hit in counted]
    return Ignored(
        tuple(missing),
        min(1.0, len(present) * min(chances, default=1.0)),
        float(counts.max() / counts.min()),
        float((hits / counts).mean()),
        float((labels == predicted).mean()),
        float(counts.max() / counts.sum()),
        len(np.unique(predicted)),
    )


def _by_group(label: int, labels: Ints, predicted: Ints, groups: Ints) -> tuple[int, int, int]:
    """(class, groups that have it, those of them in which half of it is recognized)."""
    own = labels == label
    size = np.bincount(groups[own])
    right = np.bincount(groups[own], predicted[own] == label)
    return label, int((size > 0).sum()), int((2 * right >= size)[size > 0].sum())


@dataclass(frozen=True)
class HalfData:
    """Held-out error of a probe trained on all rows and on half of them, the paired z of the difference."""

    error: float
    half_error: float
    z: float


def half_data(features: Floats, labels: Ints, folds: int = 4, seed: int = 0) -> HalfData:
    """Logistic regression on (n, d) features: each row is predicted from the other folds, and from
    both halves of them."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    generator = np.random.default_rng(seed)
    whole, half = np.zeros(len(labels)), np.zeros(len(labels))
    cut = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for fit, held in cut.split(features, labels):
        parts = np.array_split(generator.permutation(fit), 2)
        for chosen, wrong, weight in ((fit, whole, 1.0), (parts[0], half, 0.5), (parts[1], half, 0.5)):
            one = len(np.unique(labels[chosen])) < 2
            model = None if one else LogisticRegression(max_iter=200).fit(features[chosen], labels[chosen])
            wrong[held] += weight * (1.0 if model is None else model.predict(features[held]) != labels[held])
    difference = half - whole
    spread = difference.std(ddof=1) / np.sqrt(len(labels))
    z = float(difference.mean() / spread) if spread > 0 else 0.0
    return HalfData(float(whole.mean()), float(half.mean()), z if np.isfinite(z) else 0.0)
