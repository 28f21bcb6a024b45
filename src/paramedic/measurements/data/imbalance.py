"""Classes that are never predicted, and what half of the rows would cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ignored:
    """classes that are never predicted though they have rows: (class, rows) each, fewest rows first.

    p: classes * 0.5^rows of the commonest ignored class: how likely that is if half of its rows were recognized.
    ratio: rows of the commonest class over rows of the rarest one; balanced: mean recall over the classes.
    share: of the rows that belong to ignored classes.
    """

    classes: tuple[tuple[int, int], ...]
    p: float
    ratio: float
    balanced: float
    accuracy: float
    share: float
    predicted: int


def ignored_classes(labels: Ints, predicted: Ints) -> Ignored:
    """From the labels and predictions of n rows."""
    present, counts = np.unique(labels, return_counts=True)
    recalls = [float((predicted[labels == label] == label).mean()) for label in present]
    missing = [
        (int(label), int(count))
        for label, count in sorted(zip(present, counts, strict=True), key=lambda item: int(item[1]))
        if not (predicted == label).any()
    ]
    most = max((count for _, count in missing), default=0)
    p = min(1.0, len(present) * 0.5**most) if missing else 1.0
    share = sum(count for _, count in missing) / max(1, len(labels))
    return Ignored(
        tuple(missing),
        p,
        float(counts.max() / counts.min()),
        float(np.mean(recalls)),
        float((labels == predicted).mean()),
        share,
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


def majority_share(labels: Ints) -> float:
    """Accuracy of always answering the commonest class."""
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def one_sided_binomial(hits: int, rows: int, chance: float) -> float:
    """P(at least ``hits`` of ``rows``) at ``chance``."""
    return float(stats.binom.sf(hits - 1, rows, chance))
