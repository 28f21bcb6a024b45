"""Wrong labels: conflicts between equal rows, and disagreement where every probe is sure.

References: Northcutt, Jiang and Chuang, "Confident learning", 2021 (whose noise rate cannot tell overlap of classes
from noise; hence the error among the most typical rows here); Clopper and Pearson 1934.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CORE_SHARE = 0.3
Z_OF_LEAST = float(stats.norm.ppf(0.99))


@dataclass(frozen=True)
class Disagreement:
    """Of some rows: how many carry another label than predicted."""

    rows: int
    wrong: int

    @property
    def rate(self) -> float:
        return self.wrong / max(1, self.rows)

    @property
    def least(self) -> float:
        """Lower 99 % limit of the rate (Clopper and Pearson)."""
        return float(stats.beta.ppf(0.01, self.wrong, self.rows - self.wrong + 1)) if self.wrong else 0.0

    @property
    def most(self) -> float:
        """Upper 90 % limit of the rate."""
        return float(stats.beta.ppf(0.9, self.wrong + 1, self.rows - self.wrong)) if self.wrong < self.rows else 1.0

    def no_more_than(self, other: Disagreement) -> float:
        """p of this many more wrong rows here than in ``other`` by chance (Fisher's exact test)."""
        table = [[self.wrong, self.rows - self.wrong], [other.wrong, other.rows - other.wrong]]
        return float(stats.fisher_exact(table, alternative="greater")[1])


@dataclass(frozen=True)
class CoreError:
    """Among the most typical rows of every class (the core): how many carry another label.

    worst: these (row numbers), least typical label first.
    accuracy: out-of-fold balanced accuracy of the best of the probes and their mean; all: disagreement of the mean with
    all labels. classes: number of classes.
    concentration: share of the wrong rows that have the commonest pair of label and prediction.
    surer: the same of the surer half of the rows of every class on which the probes agree; flatness: the share of wrong
    rows there over that of the other half (0 where the surer half has none).
    """

    core: Disagreement
    all: Disagreement
    accuracy: float
    worst: tuple[int, ...]
    classes: int
    concentration: float
    surer: Disagreement
    flatness: float


def core_error(
    first: Floats, second: Floats, mean: Floats, labels: Ints, share: float = CORE_SHARE
) -> CoreError:
    """From the (n, C) out-of-fold probabilities of two probes, and the mean over these and others: disagreement with the
    label in the core.

    Core: for each predicted class the ``share`` of rows with the highest mean probability among those on which both
    probes and the mean agree. Overlap of classes lies at their boundaries; noise is everywhere.
    """
    predicted = mean.argmax(axis=1)
    agreed = (first.argmax(axis=1) == predicted) & (second.argmax(axis=1) == predicted)
    core: list[int] = []
    halves: tuple[list[int], list[int]] = [], []
    for label in np.unique(predicted):
        rows = np.flatnonzero((predicted == label) & agreed)
        surest_first = rows[np.argsort(-mean[rows, label], kind="stable")].tolist()
        core.extend(surest_first[: int(np.ceil(share * len(rows)))])
        half = (len(rows) + 1) // 2
        halves[0].extend(surest_first[:half])
        halves[1].extend(surest_first[half:])
    chosen = np.array(sorted(core), dtype=int)
    wrong = chosen[predicted[chosen] != labels[chosen]] if len(chosen) else chosen
    own = mean[wrong, labels[wrong]] if len(wrong) else np.zeros(0)
    accuracy = max(balanced_accuracy(item.argmax(axis=1), labels) for item in (first, second, mean))
    worst = tuple(int(row) for row in wrong[np.argsort(own, kind="stable")])
    pairs = np.unique(np.stack([labels[wrong], predicted[wrong]]), axis=1, return_counts=True)[1]
    concentration = float(pairs.max() / len(wrong)) if len(wrong) else 0.0
    typical = Disagreement(len(chosen), len(wrong))
    surer, others = (Disagreement(len(half), int((predicted[half] != labels[half]).sum())) for half in halves)
    flatness = surer.rate / others.rate if others.wrong else (np.inf if surer.wrong else 0.0)
    every = Disagreement(len(labels), int((predicted != labels).sum()))
    return CoreError(typical, every, accuracy, worst, len(np.unique(labels)), concentration, surer, float(flatness))


@dataclass(frozen=True)
class Excess:
    """How much more often predictions contradict the labels of some rows than those of others of their kind.

    here, there: rates at the same shares of the classes; z: of their difference; share: of the labels here that must be wrong
    (at random) to make it; least: its lower 99 % limit.
    """

    here: float
    there: float
    z: float
    share: float
    least: float


def excess(labels: Ints, predicted: Ints, other_labels: Ints, other_predicted: Ints) -> Excess | None:
    """Compared class by class, so that other shares of the classes (a training set that was balanced) make no difference; None
    without two classes in common. Rates of the others are drawn towards a half by two rows of each class (Laplace).
    """
    shared = np.intersect1d(labels, other_labels)
    own = np.isin(labels, shared)
    if len(shared) < 2 or not own.any():
        return None
    here, n = float((predicted[own] != labels[own]).mean()), int(own.sum())
    shares = np.array([(labels[own] == label).mean() for label in shared])
    counts = np.array([(other_labels == label).sum() for label in shared])
    wrong = np.array([(other_predicted[other_labels == label] != label).sum() for label in shared])
    rates = (wrong + 1) / (counts + 2)
    there = float(shares @ rates)
    error = float(np.sqrt(here * (1 - here) / n + (shares**2) @ (rates * (1 - rates) / (counts + 2))))
    left = 1 - there * len(shared) / (len(shared) - 1)  # of right answers over chance
    if left <= 0 or error == 0:
        return None
    gap = here - there
    return Excess(here, there, gap / error, gap / left, (gap - Z_OF_LEAST * error) / left)


def confident_learning(probabilities: Floats, labels: Ints) -> tuple[int, ...] | None:
    """Rows whose label confident learning doubts, least likely label first; None without cleanlab (extra [labels]).

    From (n, C) out-of-fold probabilities. For a list only: as an alarm it is false on half of all clean data sets.
    """
    try:
        from cleanlab.filter import find_label_issues
    except ImportError:
        return None
    found = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    return tuple(int(row) for row in found)


def balanced_accuracy(predicted: Ints, labels: Ints) -> float:
    """Mean over the classes of the share of their rows that is predicted right."""
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))


@dataclass(frozen=True)
class Conflicts:
    """Groups of equal inputs with different labels.

    groups: their number; minority: rows whose label is not the commonest of their group, a lower bound on the number
    of wrong labels; example: rows of the largest such group.
    """

    groups: int
    minority: int
    example: tuple[int, ...]


def exact_conflicts(inputs: NDArray[Any], labels: NDArray[Any]) -> Conflicts:
    """From the hashes of n input rows and n labels (or their hashes)."""
    order = np.argsort(inputs, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], inputs[order][1:] != inputs[order][:-1]]))
    groups, minority = 0, 0
    example: tuple[int, ...] = ()
    for low, high in zip(starts, [*starts[1:], len(order)], strict=True):
        if high - low < 2:
            continue
        rows = order[low:high]
        counts = np.unique(labels[rows], return_counts=True)[1]
        if len(counts) > 1:
            groups += 1
            minority += int(len(rows) - counts.max())
            example = tuple(rows.tolist()) if len(rows) > len(example) else example
    return Conflicts(groups, minority, example[:8])


def chance_equal_rows(inputs: NDArray[Any]) -> float:
    """Expected number of equal pairs among (n, d) rows if their columns were independent, guarded for correlation.

    n (n - 1) / 2 * prod_j (sum_v p_jv^2)^(1/2): the square root halves the bits of collision entropy.
    """
    n = len(inputs)
    return n * (n - 1) / 2 * float(np.exp(0.5 * collision_logs(inputs).sum()))


def collision_logs(inputs: NDArray[Any]) -> Floats:
    """(d,) logarithms of the probability that two random rows agree in a column."""
    columns = inputs.reshape(len(inputs), -1)
    logs = []
    for column in columns.T:
        counts = np.unique(column, return_counts=True)[1] / len(columns)
        logs.append(float(np.log((counts**2).sum())))
    return np.array(logs)
