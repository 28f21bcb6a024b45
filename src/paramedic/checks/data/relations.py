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
from paramedic.measurements.data.features import row_features, variance_kept
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.relation import (
    Relation,
    class_relation,
    planted_labels,
    value_relation,
)
from paramedic.measurements.loss import class_dimension

LEAST_ROWS = 200
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
    median of CONTROLS plants, so that it speaks for the tests and not for one plant. kept: the share of the rows'
    variance that the features have.
    """

    rows: int
    classes: bool
    relation: Relation
    control: Callable[[], float]
    kept: float


def relation_of(case: Case) -> CaseRelation | None:
    """None where the targets are neither class labels nor single values, or are a function of the input's shape."""
    return remembered(case.subject, "relation", lambda: _relation(case))


def _relation(case: Case) -> CaseRelation | None:
    found = rows(case)
    if not one_input(case) or is_identifier(found.inputs):
        return None
    chosen = some(found, MOST_ROWS)
    target = found.target[chosen] if found.target is not None else None
    labels, values = class_labels(target, found.loss), regression_values(target)
    if (labels is None and values is None) or not examinable(found.inputs):
        return None
    features = row_features(found.inputs[chosen])
    share = variance_kept(found.inputs[chosen], features)
    if labels is not None:
        kept, codes = frequent_classes(labels)
        if len(kept) < 20 or codes.max() < 1 or codes.max() >= MOST_PROBED_CLASSES:
            return None
        relation = class_relation(features[kept], codes)
        return CaseRelation(len(kept), True, relation, _control(features[kept]), share)
    assert values is not None
    if len(values) < 20:
        return None
    return CaseRelation(len(values), False, value_relation(features, values), _control(features), share)


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


def examinable(inputs: Tensor) -> bool:
    finite = torch.isfinite(inputs).all() if inputs.is_floating_point() else torch.tensor(True)
    return bool(finite) and inputs[0].numel() >= 1 and not inputs.dtype.is_complex


def is_identifier(inputs: Tensor) -> bool:
    """Few integers in a row: users, items, categories, whose numbers mean nothing to a probe."""
    return not inputs.is_floating_point() and inputs.dtype != torch.uint8 and inputs[0].numel() < LEAST_TOKENS


def some(found: Rows, limit: int) -> Tensor:
    return torch.from_numpy(np.sort(np.random.default_rng(1).permutation(len(found.inputs))[:limit]))


def frequent_classes(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the classes with at least LEAST_OF_CLASS rows, and their class codes 0, 1, ..."""
    names, counts = np.unique(labels, return_counts=True)
    kept = np.flatnonzero(np.isin(labels, names[counts >= LEAST_OF_CLASS]))
    codes = np.unique(labels[kept], return_inverse=True)[1].astype(np.int64) if len(kept) else labels[:0]
    return kept, codes
