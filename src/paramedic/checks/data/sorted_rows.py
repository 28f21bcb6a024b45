"""Rows that stand in the data set in an order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.samples import class_labels, is_numeric, regression_values, rows
from paramedic.checks.data.unshuffled_training_data import EXCESS, P_INPUTS, P_LABELS, RATIO
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.features import row_features
from paramedic.measurements.data.order import are_windows, label_mixture, succession, value_mixture

BATCH = 32
LEAST_ROWS = 4 * BATCH


class SortedRows(Check):
    """The rows of the data set are sorted by label, come in blocks, or are windows in the order of time.

    What it measures: the labels in blocks of 32 successive rows against random order (as `unshuffled-training-data`
    does for the batches of a run), and how alike successive rows are.
    Why it matters: without shuffling every batch is one-sided, and a split by position gives other classes or another
    time to validation.
    Fix: ``shuffle=True`` in the training DataLoader; split at random, or by time on purpose.
    Not a fault when: the loader shuffles, as most do: the order of a file alone is a note.
    References: the article's reason 7; J. von Neumann 1941.
    """

    reason = "R07"
    name = "sorted-rows"
    also = ("R10",)
    needs = ("data",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if case.loaders:
            raise NotApplicable("a loader was given: its own order counts")
        found = rows(case)
        n = len(found.inputs)
        if n < LEAST_ROWS:
            raise NotApplicable(f"{n} rows are too few for an order (at least {LEAST_ROWS})")
        sizes = [BATCH] * (n // BATCH)
        used = sum(sizes)
        labels = class_labels(found.target, None)
        values = regression_values(found.target)
        mixture = None
        if labels is not None:
            mixture = label_mixture(labels[:used], sizes)
        elif values is not None:
            mixture = value_mixture(values[:used], sizes)
        if mixture is not None and mixture.p <= P_LABELS and mixture.excess > EXCESS:
            changes = int((np.diff(labels) != 0).sum()) if labels is not None else None
            how = f"; the label changes {changes} times in {n} rows" if changes is not None else ""
            yield self.note(
                f"the rows are sorted or come in blocks: targets differ between blocks of {BATCH} rows {mixture.excess:.1f} "
                f"times as much as in random order (p = {mixture.p:.2g}{how}): shuffle when you train, split at random",
                where=data_place(case),
                evidence=(
                    Evidence("spread of labels over blocks, times random", mixture.excess, f"< {EXCESS}"),
                    Evidence("p", mixture.p, f"> {P_LABELS}"),
                ),
                remedy="shuffle=True in the training DataLoader; split at random within each class",
            )
            return
        if not is_numeric(found.inputs):
            return
        flat = found.inputs.reshape(n, -1).double().numpy()
        windows = found.complete and are_windows(flat)
        near = succession(row_features(found.inputs, components=10))
        if windows or (near.p < P_INPUTS and near.ratio < RATIO):
            what = "rows are overlapping windows of a series" if windows else "successive rows are alike"
            yield self.note(
                f"{what}: they differ by {near.ratio:.2f} of what random rows do (expected 1.00): shuffle when you train, and "
                f"split by time, with a gap as long as a window",
                where=data_place(case),
                evidence=(Evidence("difference of successive rows, over random", near.ratio, f"> {RATIO}"),),
                remedy="shuffle=True in the training DataLoader; let validation rows come from another stretch of time",
            )
