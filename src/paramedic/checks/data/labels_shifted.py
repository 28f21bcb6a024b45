"""Targets shifted by a few positions."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.places import calls, is_slice, line_behind, row_place
from paramedic.checks.data.probes import similar_features
from paramedic.checks.data.samples import (
    class_labels,
    is_numeric,
    loader_of,
    one_input,
    regression_values,
    rows,
    table,
)
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.order import are_windows, succession
from paramedic.measurements.data.relation import label_shift
from paramedic.trace.place import Place

LEAST_ROWS = 100
MOST_ROWS = 1500
Z = 4.0  # 44 healthy data sets reach 0.26 at most; 10 lags, so p < 4e-4 with Bonferroni
ALIKE, P_ALIKE = 0.7, 1e-4  # von Neumann ratio of successive rows; 1 in random order
LEAST_OF_VALUES = -0.125  # minus the squared rank difference: -1/6 is chance, where the shifted targets do not fit either
GAIN = 0.1  # of the agreement with neighbours (classes)


class LabelsShifted(Check):
    """The targets of the rows stand one or a few positions beside them.

    What it measures: in the order of the dataset, how well the target of each row agrees with those of rows that look
    like it, for the targets as given and shifted by up to five positions.
    Why it matters: an off-by-one between two files, or a header line in one of them, gives every row its neighbour's
    target.
    Fix: align the two lists; compare the first and the last rows by eye.
    Not a fault when: the rows are a time series and the target lies in the future (then the inputs of neighbouring
    rows overlap, and the check leaves close neighbours out).
    References: the article's reason 4.
    """

    reason = "R04"
    name = "labels-shifted"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if not one_input(case):
            raise NotApplicable("a row consists of more than one input")
        found = rows(case)
        drawn = table(case)
        if drawn is None or drawn.target is None or not drawn.complete:
            raise NotApplicable("there is no dataset or array whose order could be followed")
        if not is_numeric(found.inputs):
            raise NotApplicable("the inputs are tokens")
        target = drawn.target[:MOST_ROWS]
        labels, values = class_labels(target, found.loss), regression_values(target)
        if labels is None and values is None:
            raise NotApplicable("the targets are no class labels or single values")
        if len(target) < LEAST_ROWS:
            raise NotChecked(f"{len(target)} rows are too few to tell (at least {LEAST_ROWS})")
        inputs = drawn.inputs[:MOST_ROWS]
        if not bool(torch.isfinite(inputs.double()).all()):
            raise NotChecked("the inputs are not finite")
        given = labels.astype(float) if labels is not None else values
        assert given is not None
        if are_windows(inputs.double().numpy()):
            raise NotApplicable("the rows are windows of a series: every small shift fits")
        features = similar_features(inputs)
        neighbours = succession(features)
        if neighbours.ratio < ALIKE and neighbours.p < P_ALIKE:
            raise NotApplicable(
                "neighbouring rows are alike (a series, or sorted rows): every small shift fits"
            )
        shift = label_shift(features, given, labels is not None)
        related = shift.agreement > LEAST_OF_VALUES if labels is None else True
        if shift.z > Z and related and (labels is None or shift.agreement - shift.agreement_as_given > GAIN):
            yield self.suspect(
                f"targets fit the rows {abs(shift.shift)} {'later' if shift.shift < 0 else 'earlier'} better than their "
                f"own (agreement with similar rows {shift.agreement:.2f}, as given {shift.agreement_as_given:.2f}; "
                f"z = {shift.z:.1f}, expected < {Z:.0f}): align inputs and targets",
                where=_place(case),
                evidence=(
                    Evidence("z of the best shift", shift.z, f"< {Z}"),
                    Evidence("shift", shift.shift, "0"),
                ),
                remedy=f"shift the targets by {-shift.shift}; look for a header or a dropped row in one of two files",
                explains=("R05", "R06", "R02", "R24", "labels-unrelated"),
            )


def _place(case: Case) -> Place | None:
    record = loader_of(case)
    written = row_place(record.dataset) if record is not None else None
    return written or line_behind(data_place(case), is_slice, calls("roll", "shift"))
