"""Probes that are asked for each row's class, out of fold and on validation rows, and the features they see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.data.relations import (
    MOST_PROBED_CLASSES,
    MOST_ROWS,
    examinable,
    frequent_classes,
    is_identifier,
    some,
)
from paramedic.checks.data.samples import class_labels, one_input, remembered, rows
from paramedic.checks.preprocessing.split_rows import augmented, validation_inputs, validation_target
from paramedic.measurements.data.features import principal, random_convolutions, random_kernels, row_features
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.label_noise import Disagreement, Excess, balanced_accuracy, excess
from paramedic.measurements.data.recipe import two_samples
from paramedic.measurements.data.relation import (
    DISCRIMINANT,
    FOLDS,
    FOREST,
    LINEAR,
    NEARBY,
    QUADRATIC,
    class_probabilities,
    fitted,
)

LEAST_PROBED_ROWS = 100
LEAST_HELD_ROWS = 20
MOST_HELD_ROWS = 400
# Of training and validation rows being alike; below it the latter say nothing about the former. One pair of splits in a hundred
# is below 0.01 by chance.
P_ALIKE = 1e-3
LEAST_SERIES = 20  # steps
SMOOTH_SERIES = 0.5  # von Neumann's ratio; 1 where neighbours are unrelated


def stronger_probe(case: Case, probes: Probes) -> float:
    """Balanced accuracy of extra trees or quadratic discriminant analysis, whichever is better, out of fold, on principal
    components of the same rows.
    """
    features = row_features(rows(case).inputs[torch.from_numpy(probes.kept)])
    # Quadratic: a class's covariance has full rank only with more rows (of the training folds) than features.
    enough = (FOLDS - 1) * np.bincount(probes.codes).min() // FOLDS > features.shape[1] + 1
    chosen = (FOREST, QUADRATIC) if enough else (FOREST,)
    found = [class_probabilities(features, probes.codes, probe).argmax(axis=1) for probe in chosen]
    return max(balanced_accuracy(predicted, probes.codes) for predicted in found)


@dataclass(frozen=True)
class Probes:
    """Out-of-fold probabilities (n, C) of probes on the better representation.

    kept: positions in ``rows(case)``; codes: class of each; linear (discriminant), nearby: of the two steadier probes;
    mean: of these, logistic regression and extra trees. held: how often the mean of the same probes, fitted on all of
    these rows, is wrong on validation rows; None where there are none that are like them. excess: how much more often it
    contradicts the labels of training rows, out of fold.
    """

    kept: NDArray[np.int64]
    codes: NDArray[np.int64]
    linear: NDArray[np.float64]
    nearby: NDArray[np.float64]
    mean: NDArray[np.float64]
    held: Disagreement | None
    excess: Excess | None


def probes_of(case: Case) -> Probes | None:
    """Probes on principal components, or where they do better on random convolutional features of images and series."""
    return remembered(case.subject, "probes", lambda: _probes(case))


def _probes(case: Case) -> Probes | None:
    found = rows(case)
    if not one_input(case) or is_identifier(found.inputs):
        return None
    chosen = some(found, MOST_ROWS)
    labels = class_labels(found.target[chosen] if found.target is not None else None, found.loss)
    if labels is None or not examinable(found.inputs):
        return None
    kept, codes = frequent_classes(labels)
    if len(kept) < LEAST_PROBED_ROWS or codes.max() < 1 or codes.max() >= MOST_PROBED_CLASSES:
        return None
    inputs = found.inputs[chosen][kept]
    held, held_codes = _held_rows(case, inputs, np.unique(labels[kept]))
    n = len(kept)
    tried = [
        (features, [class_probabilities(features[:n], codes, probe) for probe in (DISCRIMINANT, NEARBY)])
        for features in _representations(torch.cat([inputs, held]))
    ]
    features, (linear, nearby) = max(tried, key=lambda item: _accuracy(item[1][0] + item[1][1], codes))
    others = [class_probabilities(features[:n], codes, probe) for probe in (LINEAR, FOREST)]
    mean = np.mean([linear, nearby, *others], axis=0)
    answers = _answers(features[:n], codes, features[n:]) if len(held) else None
    errors = more = None
    if answers is not None:
        errors = Disagreement(len(held), int((answers != held_codes).sum()))
        more = excess(codes, mean.argmax(axis=1), held_codes, answers)
    return Probes(chosen.numpy()[kept], codes, linear, nearby, mean, errors, more)


def _held_rows(case: Case, inputs: Tensor, names: NDArray[np.int64]) -> tuple[Tensor, NDArray[np.int64]]:
    """Validation rows that are no training rows, of the classes ``names``, and the number of each row's class in these;
    none where training rows are augmented, or validation rows have another shape."""
    nothing = inputs[:0], np.zeros(0, np.int64)
    held, target = validation_inputs(case), validation_target(case)
    if held is None or target is None or held.shape[1:] != inputs.shape[1:] or held.dtype != inputs.dtype:
        return nothing
    labels = class_labels(target, rows(case).loss)
    if labels is None or augmented(case) or not examinable(held):
        return nothing
    usable = np.isin(labels, names) & ~np.isin(row_hashes(held), row_hashes(rows(case).inputs))
    kept = np.random.default_rng(0).permutation(np.flatnonzero(usable))[:MOST_HELD_ROWS]
    return held[torch.from_numpy(kept)], np.searchsorted(names, labels[kept]).astype(np.int64)


def _answers(
    train: NDArray[np.float64], codes: NDArray[np.int64], held: NDArray[np.float64]
) -> NDArray[np.int64] | None:
    """The class of each validation row by the mean of the probes; None where these are few, or not like the training rows."""
    if len(held) < LEAST_HELD_ROWS:
        return None
    names = [str(number) for number in range(train.shape[1])]
    if two_samples(train[:: -(-len(train) // MOST_HELD_ROWS)], held, names).p < P_ALIKE:
        return None
    probes = (DISCRIMINANT, NEARBY, LINEAR, FOREST)
    return np.asarray(np.mean([fitted(train, codes, probe).predict_proba(held) for probe in probes], axis=0).argmax(axis=1))


def _representations(inputs: Tensor) -> list[NDArray[np.float64]]:
    found = [row_features(inputs)]
    image = _as_image(inputs)
    if image is not None:
        found.append(principal(random_convolutions(image), components=128))
    series = _as_series(inputs)
    if series is not None:
        found.append(principal(random_kernels(series)))
    return found


def similar_features(inputs: Tensor) -> NDArray[np.float64]:
    """Features in which rows that look alike are near: random convolutions for images, components otherwise."""
    image = _as_image(inputs)
    return row_features(inputs) if image is None else principal(random_convolutions(image))


def _as_image(inputs: Tensor) -> Tensor | None:
    """(N, C, H, W) where rows are images; flat rows with a square number of at least 49 entries count as images."""
    if not inputs.is_floating_point() and inputs.dtype != torch.uint8:
        return None
    if inputs.dim() == 4 and inputs.shape[2] >= 6 and inputs.shape[3] >= 6:
        return inputs
    if inputs.dim() == 3 and inputs.shape[1] >= 6 and inputs.shape[2] >= 6:
        return inputs[:, None]
    side = int(np.sqrt(inputs.shape[1])) if inputs.dim() == 2 else 0
    return (
        inputs.reshape(len(inputs), 1, side, side) if side >= 7 and side * side == inputs.shape[1] else None
    )


def _as_series(inputs: Tensor) -> Tensor | None:
    """(N, C, T) where rows are series: values in their order, of which neighbours are alike."""
    if not inputs.is_floating_point() or inputs.dim() not in (2, 3) or inputs.shape[-1] < LEAST_SERIES:
        return None
    series = inputs if inputs.dim() == 3 else inputs[:, None]
    steps, spread = series.diff(dim=2).square().mean(dim=(1, 2)), series.var(dim=2).mean(dim=1)
    return series if float((steps / (2 * spread).clamp_min(1e-12)).median()) < SMOOTH_SERIES else None


def _accuracy(probabilities: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    return float((probabilities.argmax(axis=1) == codes).mean())
