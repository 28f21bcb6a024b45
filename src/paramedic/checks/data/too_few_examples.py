"""Whether more rows would help."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.relations import frequent_classes
from paramedic.checks.data.samples import class_labels, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.features import row_features
from paramedic.measurements.data.imbalance import half_data

LEAST_ROWS = 60
MOST_ROWS = 2000
Z = 3.0
COST = 0.02  # of accuracy; with z > 3, doubling gained more than 2 points in 74 % of 84 cases (44 % without), 2026-11
GAIN_SHARE = 0.7  # of the cost of halving that doubling gains (regression over the same cases)
FEW_OF_CLASS = 10


class TooFewExamples(Check):
    """A simple probe gets clearly worse with half of the rows: more rows would probably help.

    What it measures: the held-out error of logistic regression with all rows and with half of them, paired over the
    held-out rows; and the rows of each class.
    Why it matters: what half of the data costs is the best guess at what twice the data would gain.
    Fix: more rows, augmentation, or a pretrained network.
    Not a fault when: never; it is a note. Three times in four doubling gains more than two points when this speaks.
    References: the article's reason 9; Hestness et al., "Deep learning scaling is predictable, empirically", 2017.
    """

    reason = "R09"
    name = "too-few-examples"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found = rows(case)
        labels = class_labels(found.target, found.loss)
        if labels is None:
            raise NotApplicable("the targets are no class labels")
        if len(labels) > MOST_ROWS:
            raise NotChecked(f"measured up to {MOST_ROWS} rows only")
        kept, codes = frequent_classes(labels)
        if len(kept) < LEAST_ROWS or codes.max() < 1:
            raise NotChecked(f"{len(kept)} rows are too few for the test")
        if found.source != "batches" and not found.complete:
            raise NotChecked("there are more rows than were read")
        half = half_data(row_features(found.inputs[kept]), codes)
        least = int(np.bincount(codes).min())
        if half.z > Z and half.half_error - half.error > COST:
            yield self.note(
                f"half of the {len(kept)} rows cost a simple probe {100 * (half.half_error - half.error):.1f} points "
                f"(z = {half.z:.1f}): twice the rows would probably gain about "
                f"{100 * GAIN_SHARE * (half.half_error - half.error):.1f}",
                where=data_place(case),
                evidence=(
                    Evidence("error with all rows", half.error),
                    Evidence("error with half of them", half.half_error),
                    Evidence("rows of the rarest class", least, f">= {FEW_OF_CLASS}"),
                ),
                remedy="collect more rows, augment, or start from a pretrained network",
            )
