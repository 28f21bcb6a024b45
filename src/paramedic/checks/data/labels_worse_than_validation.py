"""Training rows whose labels the network itself cannot confirm, while it gets the validation rows right."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.data.clean_view import augmentation
from paramedic.checks.data.passes import target_place
from paramedic.checks.data.predicted import Predicted, predicted
from paramedic.checks.data.samples import batches, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import validation_inputs
from paramedic.measurements.data.recipe import row_statistics, two_samples

LEAST_ROWS = 60  # of either split
LEAST_OF_CLASS = 5
LEAST_RIGHT = 0.6  # balanced accuracy on validation rows, over chance
LEAST_GAP = 0.1  # of balanced accuracy
Z = 5.0
MOST_OF_ONE = 0.7  # share of one label among the doubted rows of a predicted class: beyond it two classes are confused
P_ALIKE = 0.01
COMPARED = 400


class LabelsWorseThanValidation(Check):
    """Many training labels are wrong: the network contradicts them, and is right on the validation rows.

    What it measures: the trained network's balanced accuracy, in evaluation mode, on the rows it was trained on and on
    validation rows, whose inputs look alike. A network does at least as well on what it has seen; where it does clearly
    worse, and the labels that it contradicts are spread over the other classes, it is these labels that are wrong.
    Why it matters: wrong labels bound what can be learned, and a network that memorizes them validates badly.
    Fix: look at where the labels of the training rows come from; leave rows without a label out of the loss.
    Not a fault when: labels are changed on purpose (as regularization), or training is made harder on purpose.
    References: the article's reason 6; Arpit et al., "A closer look at memorization in deep networks", 2017: what labels
    have in common is learned before what is random in them.
    """

    reason = "R06"
    name = "labels-worse-than-validation"
    also = ("R04",)
    needs = ("rows", "replay")
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        if any(item.check in ("labels-unrelated", "labels-mispaired", "noisy-labels") for item in case.findings):
            raise NotApplicable("the labels are wrong: see that finding")
        train, held = predicted(case), predicted(case, "validation")
        if train is None or held is None:
            raise NotApplicable("no training and validation rows with class labels were recorded")
        if augmentation(case) is not None:
            raise NotChecked("training rows are augmented at random: a network may do worse on them")
        if any(batch.target_leaf is None or batch.target_leaf.source is None for batch in batches(case)[:1]):
            raise NotChecked("the targets of training are computed in the program")
        shared = _shared(train, held)
        one, other = (_recalls(item, shared) for item in (train, held))
        if len(shared) < 2 or min(len(train.labels), len(held.labels)) < LEAST_ROWS:
            raise NotChecked(f"{len(train.labels)} training and {len(held.labels)} validation rows (at least {LEAST_ROWS})")
        gap, spread = other[0] - one[0], float(np.hypot(one[1], other[1])) + 1e-12
        chance = 1.0 / len(shared)
        if gap < LEAST_GAP or gap < Z * spread or (other[0] - chance) < LEAST_RIGHT * (1 - chance):
            raise Passed(f"right on {one[0]:.0%} of the training rows and on {other[0]:.0%} of the validation rows")
        if len(shared) > 2 and _concentration(train) > MOST_OF_ONE:
            raise NotChecked("two classes are confused: they may be harder to tell apart in training rows")
        if not _alike(case):
            raise NotChecked("the inputs of the splits differ: training rows may be harder")
        wrong = 1.0 - one[0] / other[0]
        yield self.suspect(
            f"the trained network contradicts {1 - one[0]:.0%} of the training labels and is right on {other[0]:.0%} of "
            f"{len(held.labels)} validation rows that look alike (expected: no more than on training rows; "
            f"z = {gap / spread:.0f}): about {wrong:.0%} of the training labels are wrong",
            where=target_place(case),
            evidence=(
                Evidence("balanced accuracy on training rows", round(one[0], 3), f">= {other[0]:.2f}"),
                Evidence("balanced accuracy on validation rows", round(other[0], 3)),
                Evidence("z", round(gap / spread, 1), f"< {Z}"),
            ),
            remedy="look at where the training labels come from; leave rows without a true label out of the loss",
            explains=("R05", "R30", "R31", "R24", "R16", "R36"),
        )


def _shared(train: Predicted, held: Predicted) -> list[int]:
    counts = [dict(zip(*np.unique(item.labels, return_counts=True), strict=True)) for item in (train, held)]
    return [int(name) for name in counts[0] if min(count.get(name, 0) for count in counts) >= LEAST_OF_CLASS]


def _recalls(item: Predicted, shared: list[int]) -> tuple[float, float]:
    """Balanced accuracy over classes, and its standard error."""
    recalls, variances = [], []
    for name in shared:
        own = item.labels == name
        recall = float((item.classes[own] == name).mean())
        recalls.append(recall)
        variances.append(max(recall * (1 - recall), 1.0 / own.sum()) / own.sum())
    return float(np.mean(recalls)), float(np.sqrt(np.sum(variances)) / max(1, len(shared)))


def _concentration(item: Predicted) -> float:
    """Of the rows whose label the network contradicts, the mean share of the commonest label for each predicted class."""
    wrong = item.classes != item.labels
    shares: list[float] = []
    weights: list[int] = []
    for name in np.unique(item.classes[wrong]):
        labels: NDArray[np.int64] = item.labels[wrong & (item.classes == name)]
        shares.append(float(np.unique(labels, return_counts=True)[1].max() / len(labels)))
        weights.append(len(labels))
    return float(np.average(shares, weights=weights)) if shares else 0.0


def _alike(case: Case) -> bool:
    """Whether moments of the inputs of training and validation rows cannot be told apart; tokens are not compared."""
    held = validation_inputs(case)
    own = rows(case).inputs
    if held is None or not held.is_floating_point() or held.shape[1:] != own.shape[1:]:
        return held is not None and not held.is_floating_point()
    train = own.flatten(1).double().numpy()
    generator = np.random.default_rng(0)
    one, other = (
        part[np.sort(generator.permutation(len(part))[:COMPARED])] for part in (train, held.flatten(1).double().numpy())
    )
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        return False
    values, names = row_statistics(one, tuple(held.shape[1:]))
    return two_samples(values, row_statistics(other, tuple(held.shape[1:]))[0], names).p >= P_ALIKE
