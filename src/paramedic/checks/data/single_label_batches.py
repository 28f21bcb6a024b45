"""Batches that hold a single class."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import training_order
from paramedic.checks.data.unshuffled_training_data import carries_state
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.order import single_label_batches

P = 1e-4  # 150 healthy loaders: no false alarm, 2026-11
LEAST = 2


class SingleLabelBatches(Check):
    """Batches hold rows of one class only.

    What it measures: the number of batches of an epoch with a single class, against the exact expectation for random
    batches of the same size.
    Why it matters: each step teaches the network to answer this one class; batch normalization sees one class only.
    Fix: shuffle the rows before they are cut into batches; a shuffle buffer as large as the dataset for streams.
    Not a fault when: batches are made of one class on purpose (some metric-learning and meta-learning set-ups).
    References: the article's reason 10.
    """

    reason = "R10"
    name = "single-label-batches"
    also = ("R07",)
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        order = training_order(case)
        if order is None or order.codes is None:
            raise NotApplicable("the targets are no class labels, or every step uses all rows")
        if carries_state(case):
            raise NotApplicable("a recurrent state is carried from batch to batch")
        found = single_label_batches(order.codes, order.sizes)
        if found.single < LEAST or found.p >= P:
            return
        yield self.fault(
            f"{found.single} of {found.batches} batches hold a single class (expected {found.expected:.2g} in random "
            f"order, p = {found.p:.1g}): shuffle the rows before they are cut into batches",
            where=order.place,
            evidence=(
                Evidence("batches with a single class", found.single, f"{found.expected:.2g}"),
                Evidence("p", found.p, f"> {P}"),
                Evidence("rows of a batch", int(max(order.sizes))),
            ),
            remedy="shuffle=True in the training DataLoader; a shuffle buffer as large as the dataset for a stream",
            explains=("R07", "R36", "R30", "R32", "R31", "R11", "R35", "R08"),
            exact=True,
        )
