"""The relation between inputs and targets of a case, measured once for the checks that ask for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.data.samples import (
    Batch,
    Rows,
    batches,
    class_labels,
    one_input,
    regression_values,
    remembered,
    rows,
)
from paramedic.measurements.data.features import principal, random_convolutions, row_features
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.label_noise import balanced_accuracy
from paramedic.measurements.data.relation import (
    DISCRIMINANT,
    FOREST,
    LINEAR,
    NEARBY,
    QUADRATIC,
    Relation,
    class_probabilities,
    class_relation,
    planted_labels,
    value_relation,
)
from paramedic.measurements.loss import class_dimension

LEAST_ROWS = 200
LEAST_PROBED_ROWS = 100
LEAST_TOKENS = 8
MOST_ROWS = 1000  # probes take seconds beyond that
LEAST_OF_CLASS = 5
VALIDATION_BATCHES = 8
Z_VALIDATION = 4.0  # of the rows that are right, above those of the largest class
MOST_PROBED_CLASSES = 50
CONTROLS = 3


@dataclass(frozen=True)
class CaseRelation:
    """relation: of features to targets; control: the p of the same tests on planted labels (run when called): the
    median of CONTROLS plants, so that it speaks for the tests and not for one plant.
    """

    rows: int
    classes: bool
    relation: Relation
    control: Callable[[], float]


def relation_of(case: Case) -> CaseRelation | None:
    """None where the targets are neither class labels nor single values, or are a function of the input's shape."""
    return remembered(case.subject, "relation", lambda: _relation(case))


def _relation(case: Case) -> CaseRelation | None:
    found = rows(case)
    if not one_input(case) or _is_identifier(found.inputs):
        return None
    chosen = _some(found, MOST_ROWS)
    target = found.target[chosen] if found.target is not None else None
    labels, values = class_labels(target, found.loss), regression_values(target)
    if (labels is None and values is None) or not _examinable(found.inputs):
        return None
    features = row_features(found.inputs[chosen])
    if labels is not None:
        kept, codes = frequent_classes(labels)
        if len(kept) < 20 or codes.max() < 1 or codes.max() >= MOST_PROBED_CLASSES:
            return None
        relation = class_relation(features[kept], codes)
        return CaseRelation(len(kept), True, relation, _control(features[kept]))
    assert values is not None
    if len(values) < 20:
        return None
    return CaseRelation(len(values), False, value_relation(features, values), _control(features))


LEARNS = 0.15  # share of the labels' entropy (or of the targets' variance) below which the loss on new rows falls


def network_learns(case: Case) -> bool:
    """Whether the network itself finds a relation: its loss on batches whose rows are all new to it falls below what
    knowing nothing gives (prequential code length; each batch is scored before it is learned). For losses whose value
    without knowledge is known: cross entropies of class labels, and squared errors.
    """
    if case.data is not None:
        return False
    recorded = batches(case)
    losses = {row.step: row.loss for row in case.trace.steps()}
    chance = _chance_loss(case, recorded)
    if chance is None or not chance > 0:
        return False
    seen: set[int] = set()
    values = []
    for batch in recorded:
        keys = set(row_hashes(batch.inputs).tolist())
        if not keys & seen and batch.step in losses:
            values.append(losses[batch.step])
        seen |= keys
    late = values[2 * len(values) // 3 :]
    return bool(late) and float(np.mean(late)) < (1 - LEARNS) * chance or _predicts_validation(case)


def _predicts_validation(case: Case) -> bool:
    """Whether the last weights get more of the recorded validation rows right than the largest class has.

    Class labels alone; what takes long to be found (an exclusive or) shows only after the recorded steps.
    """
    right = total = 0
    counts: Counter[int] = Counter()
    with case.lab.at("final"), torch.no_grad():
        for batch in batches(case, "validation")[-VALIDATION_BATCHES:]:
            if batch.target is None or batch.target.is_floating_point():
                continue
            try:
                values = batch.tape.run()
                output = next(values[number] for number in batch.flow.node.outputs if number is not None)
            except Exception:  # the program's own code
                return False
            dim = class_dimension(output, batch.target) if output.dim() >= 2 else None
            if dim is None:
                continue
            right += int((output.argmax(dim) == batch.target).sum())
            total += batch.target.numel()
            counts.update(batch.target.flatten().tolist())
    largest = max(counts.values(), default=0)
    share = largest / total if total else 1.0
    spread = (total * share * (1 - share)) ** 0.5
    return right - largest > max(Z_VALIDATION * spread, LEARNS * (total - largest))


def _chance_loss(case: Case, recorded: Sequence[Batch]) -> float | None:
    found = rows(case)
    labels, values = class_labels(found.target, found.loss), regression_values(found.target)
    name = recorded[0].flow.loss if recorded else None
    if labels is not None and name is not None and ("cross_entropy" in name or name == "nll_loss"):
        shares = np.unique(labels, return_counts=True)[1] / len(labels)
        return float(-(shares * np.log(shares)).sum())
    if values is not None and name == "mse_loss":
        return float(np.var(values))
    return None


def _control(features: NDArray[np.float64]) -> Callable[[], float]:
    @cache
    def run() -> float:
        return float(
            np.median([class_relation(features, planted_labels(features, seed=seed)).p for seed in range(CONTROLS)])
        )

    return run


def _examinable(inputs: Tensor) -> bool:
    finite = torch.isfinite(inputs).all() if inputs.is_floating_point() else torch.tensor(True)
    return bool(finite) and inputs[0].numel() >= 1 and not inputs.dtype.is_complex


def _is_identifier(inputs: Tensor) -> bool:
    """Few integers in a row: users, items, categories, whose numbers mean nothing to a probe."""
    return not inputs.is_floating_point() and inputs.dtype != torch.uint8 and inputs[0].numel() < LEAST_TOKENS


def _some(found: Rows, limit: int) -> Tensor:
    return torch.from_numpy(np.sort(np.random.default_rng(1).permutation(len(found.inputs))[:limit]))


def frequent_classes(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the classes with at least LEAST_OF_CLASS rows, and their class codes 0, 1, ..."""
    names, counts = np.unique(labels, return_counts=True)
    kept = np.flatnonzero(np.isin(labels, names[counts >= LEAST_OF_CLASS]))
    codes = np.unique(labels[kept], return_inverse=True)[1].astype(np.int64) if len(kept) else labels[:0]
    return kept, codes


def stronger_probe(case: Case, probes: Probes) -> float:
    """Balanced accuracy of extra trees or quadratic discriminant analysis, whichever is better, out of fold, on principal
    components of the same rows.
    """
    features = row_features(rows(case).inputs[torch.from_numpy(probes.kept)])
    found = [class_probabilities(features, probes.codes, probe).argmax(axis=1) for probe in (FOREST, QUADRATIC)]
    return max(balanced_accuracy(predicted, probes.codes) for predicted in found)


@dataclass(frozen=True)
class Probes:
    """Out-of-fold probabilities (n, C) of probes on the better representation.

    kept: positions in ``rows(case)``; codes: class of each; linear (discriminant), nearby: of the two steadier probes;
    mean: of these, logistic regression and extra trees.
    """

    kept: NDArray[np.int64]
    codes: NDArray[np.int64]
    linear: NDArray[np.float64]
    nearby: NDArray[np.float64]
    mean: NDArray[np.float64]


def probes_of(case: Case) -> Probes | None:
    """Probes on random convolutional features for images, and on principal components otherwise."""
    return remembered(case.subject, "probes", lambda: _probes(case))


def _probes(case: Case) -> Probes | None:
    found = rows(case)
    if not one_input(case) or _is_identifier(found.inputs):
        return None
    chosen = _some(found, MOST_ROWS)
    labels = class_labels(found.target[chosen] if found.target is not None else None, found.loss)
    if labels is None or not _examinable(found.inputs):
        return None
    kept, codes = frequent_classes(labels)
    if len(kept) < LEAST_PROBED_ROWS or codes.max() < 1 or codes.max() >= MOST_PROBED_CLASSES:
        return None
    tried = [
        (features, [class_probabilities(features, codes, probe) for probe in (DISCRIMINANT, NEARBY)])
        for features in _representations(found.inputs[chosen][kept])
    ]
    features, (linear, nearby) = max(tried, key=lambda item: _accuracy(item[1][0] + item[1][1], codes))
    others = [class_probabilities(features, codes, probe) for probe in (LINEAR, FOREST)]
    mean = np.mean([linear, nearby, *others], axis=0)
    return Probes(chosen.numpy()[kept], codes, linear, nearby, mean)


def _representations(inputs: Tensor) -> list[NDArray[np.float64]]:
    found = [row_features(inputs)]
    image = _as_image(inputs)
    if image is not None:
        found.append(principal(random_convolutions(image), components=128))
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


def _accuracy(probabilities: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    return float((probabilities.argmax(axis=1) == codes).mean())
