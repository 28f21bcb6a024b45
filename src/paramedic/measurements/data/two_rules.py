"""Whether validation rows relate inputs and targets as training rows do."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FOLDS = 5
TREES = 60
_TINY = 1e-12


@dataclass(frozen=True)
class TwoRules:
    """Skills of the best probe, 0 for chance and 1 for all right: within training and within validation rows (out of fold),
    and from training to validation rows. z: of the paired loss on validation rows.

    of classes, the skill is the share of the chance error removed; of values, the squared correlation, which another unit of
    the targets does not change. renumbered: for each class of the training rows the class of validation rows that it
    is, where that explains the difference; else None.
    """

    train: float
    validation: float
    across: float
    z: float
    rows: int
    renumbered: dict[int, int] | None = None


def two_rules(train: Floats, other: Floats, targets: tuple[Floats, Floats], classes: bool, seed: int = 0) -> TwoRules:
    """(n, d) and (m, d) features and their targets (n,), (m,): class numbers that both have, or values."""
    best: TwoRules | None = None
    for make in _probes(classes, seed):
        found = _compared(make, train, other, targets, classes, seed)
        if best is None or min(found.train, found.validation) > min(best.train, best.validation):
            best = found
    assert best is not None
    return best


def _probes(classes: bool, seed: int) -> Sequence[Callable[[int], Any]]:
    """By number of rows: nearest neighbours, a linear model, trees."""
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
    from sklearn.linear_model import LogisticRegression, RidgeCV
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    if classes:
        return (
            lambda rows: KNeighborsClassifier(max(1, min(5, rows // 10))),
            lambda rows: LogisticRegression(max_iter=200),
            lambda rows: ExtraTreesClassifier(TREES, min_samples_leaf=2, random_state=seed),
        )
    return (
        lambda rows: KNeighborsRegressor(max(1, min(5, rows // 10))),
        lambda rows: RidgeCV(alphas=np.logspace(-1, 4, 6)),
        lambda rows: ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=seed),
    )


def _compared(
    make: Callable[[int], Any], train: Floats, other: Floats, targets: tuple[Floats, Floats], classes: bool, seed: int
) -> TwoRules:
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict

    folds = (StratifiedKFold if classes else KFold)(FOLDS, shuffle=True, random_state=seed)
    mine = cross_val_predict(make(len(train)), train, targets[0], cv=folds)
    own = cross_val_predict(make(len(other)), other, targets[1], cv=folds)
    across = make(len(train)).fit(train, targets[0]).predict(other)
    skills = [_skill(*pair, classes) for pair in ((mine, targets[0]), (own, targets[1]), (across, targets[1]))]
    difference = _losses(across, targets[1], classes) - _losses(own, targets[1], classes)
    z = float(difference.mean()) / (float(difference.std(ddof=1)) / math.sqrt(len(difference)) + _TINY)
    renumbered = _renumbered(across, targets[1], skills[1]) if classes else None
    return TwoRules(skills[0], skills[1], skills[2], z, len(other), renumbered)


def _skill(predicted: Floats, target: Floats, classes: bool) -> float:
    if classes:
        chance = 1.0 - np.unique(target, return_counts=True)[1].max() / len(target)
        return float(1.0 - (predicted != target).mean() / (chance + _TINY))
    if predicted.std() < _TINY or target.std() < _TINY:
        return 0.0
    correlation = float(np.corrcoef(predicted, target)[0, 1])
    return max(0.0, correlation) ** 2


def _losses(predicted: Floats, target: Floats, classes: bool) -> Floats:
    """Of each row: 1 where the class is wrong; of values, the squared difference after the best factor and offset."""
    if classes:
        return (predicted != target).astype(float)
    centred, wanted = predicted - predicted.mean(), (target - target.mean()) / (target.std() + _TINY)
    factor = max(0.0, float((centred * wanted).mean()) / (float((centred**2).mean()) + _TINY))
    return np.asarray((factor * centred - wanted) ** 2)


def _renumbered(predicted: Floats, target: Floats, wanted: float) -> dict[int, int] | None:
    """The best assignment of predicted classes to those of the targets, where it brings back most of the skill."""
    names = np.union1d(np.unique(predicted), np.unique(target))
    counts = np.array([[((predicted == one) & (target == other)).sum() for other in names] for one in names])
    left, right = linear_sum_assignment(-counts)
    mapped = {int(names[one]): int(names[other]) for one, other in zip(left, right, strict=True)}
    skill = _skill(np.array([mapped[int(item)] for item in predicted], dtype=float), target, True)
    return mapped if skill > RENUMBERED * wanted and any(one != other for one, other in mapped.items()) else None


RENUMBERED = 0.8  # of the skill within validation rows
