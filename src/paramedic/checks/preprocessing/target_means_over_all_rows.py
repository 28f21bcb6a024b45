"""Means of the target over a category's rows, validation rows among them, as an input."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.places import calls, line_behind
from paramedic.checks.data.samples import is_numeric, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import validation_inputs, validation_target
from paramedic.measurements.data.target_means import target_means
from paramedic.trace.place import Place

LEAST_ROWS = 40
MOST_COLUMNS = 500
SAME = 1e-3  # of the column's spread: rounding of float32 leaves 1e-6, and of values written with four digits 1e-4
OTHER = 0.02  # what means over training rows alone must leave: with less the rows of validation make no difference


class TargetMeansOverAllRows(Check):
    """An input column is the mean of the target over groups of rows, in which the validation rows' own targets count.

    What it measures: for every column whose values repeat, how well the mean of the targets of the rows with the same value
    (drawn towards the overall mean or not) gives that value: over all rows, and over training rows alone. It is a leak where
    the first is exact and the second is not.
    Why it matters: the target of a validation row is part of its inputs: validation looks better than the network is.
    Fix: compute the means on the training rows (out of fold there), and apply them to the others.
    Not a fault when: never.
    References: the article's reason 15; Micci-Barreca 2001; Kaufman et al., "Leakage in data mining", 2012.
    """

    reason = "R15"
    name = "target-means-over-all-rows"
    also = ("R21",)
    needs = ("rows", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        found = rows(case)
        other, other_target = validation_inputs(case), validation_target(case)
        if not is_numeric(found.inputs) or found.inputs.dim() != 2 or found.inputs.shape[1] > MOST_COLUMNS:
            raise NotApplicable("the rows are no table of numbers")
        if other is None or found.target is None or other.shape[1:] != found.inputs.shape[1:]:
            raise NotApplicable("no validation rows of the same columns were recorded")
        if other_target is None:
            raise NotChecked("the targets of the validation rows are not known")
        mine, theirs = _numbers(found.target), _numbers(other_target)
        if mine is None or theirs is None:
            raise NotApplicable("the targets are no single numbers")
        if not found.complete or min(len(mine), len(theirs)) < LEAST_ROWS:
            raise NotChecked(f"{len(mine)} training and {len(theirs)} validation rows are at hand")
        train, held = (part.double().cpu().numpy() for part in (found.inputs, other))
        if not (np.isfinite(train).all() and np.isfinite(held).all() and np.isfinite(mine).all() and np.isfinite(theirs).all()):
            raise NotChecked("the rows are not finite")
        for item in target_means(train, mine, held, theirs):
            if item.everywhere >= SAME or item.training <= OTHER:
                continue
            yield self.fault(
                f"column {item.column} of the inputs is the mean of the targets over the rows of each of {item.groups} groups, "
                f"validation rows among them (what it leaves of the column: {item.everywhere:.1g}, over training rows alone "
                f"{item.training:.2g}): compute it from training rows",
                where=_grouped_at(data_place(case)),
                evidence=(
                    Evidence("column", item.column),
                    Evidence("left by means over all rows, of the column's spread", item.everywhere, f">= {SAME}"),
                    Evidence("left by means over training rows", item.training, f"<= {OTHER}"),
                    Evidence("rows that the overall mean counts for", round(item.strength, 2)),
                ),
                remedy="compute the means of the target on the training rows (out of fold there), and look the others up",
                explains=("leaked-statistics", "R21"),
                exact=True,
            )


def _grouped_at(place: Place | None) -> Place | None:
    """Where groups are counted or something is fitted; else the last mean on the way to the data."""
    found = line_behind(place, calls("groupby"), calls("fit", "fit_transform"), calls("bincount"), in_functions=True)
    return found if found != place else line_behind(place, calls("mean"), in_functions=True)


def _numbers(target: Tensor) -> NDArray[np.float64] | None:
    """(n,) values, or two classes as 0 and 1; more classes have no mean."""
    if target.numel() != len(target):
        return None
    if not target.is_floating_point() and len(target.unique()) > 2:
        return None
    return target.double().cpu().numpy().reshape(-1)
