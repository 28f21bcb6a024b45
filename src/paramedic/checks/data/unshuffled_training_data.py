"""Training rows in an order that makes batches one-sided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from torch import nn

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import Order, training_order
from paramedic.checks.data.places import is_slice, line_behind
from paramedic.checks.data.samples import batches
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.features import row_features
from paramedic.measurements.data.order import Mixture, Succession, label_mixture, succession, value_mixture

# 150 healthy loaders (22 sets, batch sizes 8 and 32, imbalance, replacement): no false alarm, 2026-11.
P_LABELS = 1e-3
EXCESS = 2.0  # chi-squared over its expectation
P_INPUTS = 1e-4
RATIO = 0.8  # von Neumann ratio of successive rows
LEAST_BATCHES = 4
MOST_ROWS = 20_000


class UnshuffledTrainingData(Check):
    """Successive training rows are alike: the data are sorted, or come in blocks.

    What it measures: Pearson's chi-squared of the label counts over the batches of an epoch (the variance of the batch
    means of a regression target), over its expectation for shuffled rows; and von Neumann's ratio of successive input
    rows.
    Why it matters: each batch pulls the network towards its own labels, and the next one away again.
    Fix: ``shuffle=True`` in the training DataLoader, or a random permutation of the rows in every epoch.
    Not a fault when: a recurrent network carries its state from batch to batch on purpose; all rows are one batch.
    References: the article's reason 7; J. von Neumann 1941.
    """

    reason = "R07"
    name = "unshuffled-training-data"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        order = training_order(case)
        if order is None:
            raise NotApplicable("the order of the rows is not known, or every step uses all rows")
        if carries_state(case):
            raise NotApplicable("a recurrent state is carried from batch to batch")
        if len(order.sizes) < LEAST_BATCHES:
            raise NotApplicable(f"an epoch has {len(order.sizes)} batches only")
        if not order.row_by_row:
            raise NotChecked("no row is met again in another batch: rows of a batch may belong together (a graph, an episode)")
        labels, inputs = label_evidence(order), _input_evidence(order)
        one_sided = labels is not None and labels.p <= P_LABELS and labels.excess > EXCESS
        alike = inputs is not None and inputs.p < P_INPUTS and inputs.ratio < RATIO
        if not one_sided and not alike:
            return
        evidence: list[Evidence] = []
        if labels is not None:
            evidence.append(
                Evidence("spread of labels over batches, times random", labels.excess, f"< {EXCESS}")
            )
            evidence.append(Evidence("p of the spread", labels.p, f"> {P_LABELS}"))
        if inputs is not None:
            evidence.append(
                Evidence("difference of successive rows, over random", inputs.ratio, f"> {RATIO}")
            )
        say = self.fault if one_sided and order.fixed else self.suspect
        yield say(
            _summary(order, labels if one_sided else None, inputs),
            where=order.place if order.source == "loader" else line_behind(order.place, is_slice),
            evidence=tuple(evidence),
            remedy="shuffle=True in the training DataLoader, or a new random permutation of the rows in every epoch",
            explains=("R10", "single-label-batches", "R36", "R30", "R32", "R31", "R11", "R35")
            if one_sided
            else ("R10",),
            exact=one_sided and order.fixed,
        )


def label_evidence(order: Order) -> Mixture | None:
    """How one-sided the batches of an epoch are in their labels."""
    sizes = order.sizes
    if order.codes is not None:
        return label_mixture(order.codes, sizes)
    return value_mixture(order.values, sizes) if order.values is not None else None


def _input_evidence(order: Order) -> Succession | None:
    if order.inputs is None or not order.fixed or len(order.inputs) < 10 * LEAST_BATCHES:
        return None
    features = row_features(order.inputs[:MOST_ROWS], components=10)
    return succession(features[_mixed_within_batches(order.sizes, len(features))])


def _mixed_within_batches(sizes: Sequence[int], rows: int) -> np.ndarray[Any, Any]:
    """Positions of the rows with each batch in random order: the order inside a batch changes nothing."""
    generator = np.random.default_rng(0)
    edges = np.minimum(np.concatenate([[0], np.cumsum(sizes), [rows]]), rows)
    return np.concatenate([low + generator.permutation(high - low) for low, high in pairwise(edges)])


def _summary(order: Order, labels: Mixture | None, inputs: Succession | None) -> str:
    fixed = "in every epoch the same order; " if order.fixed else ""
    if labels is not None:
        kind = "labels" if order.codes is not None else "targets"
        return (
            f"training rows are not shuffled: {fixed}{kind} differ between the {len(order.sizes)} batches "
            f"{labels.excess:.1f} times as much as in random order (p = {labels.p:.2g}): shuffle the training rows"
        )
    assert inputs is not None
    return (
        f"training rows are not shuffled: {fixed}successive rows differ by {inputs.ratio:.2f} of what random rows do "
        f"(expected 1.00, p = {inputs.p:.2g}): shuffle the training rows"
    )


def carries_state(case: Case) -> bool:
    """Whether a recurrent model is called with something besides the batch: the hidden state of the batch before."""
    recorded = batches(case)
    if not recorded or not any(
        isinstance(module, nn.RNNBase | nn.RNNCellBase) for module in recorded[0].module.modules()
    ):
        return False
    return any(
        np.prod(other.shape) > 1 and other.is_floating_point() for batch in recorded for other in batch.others
    )
