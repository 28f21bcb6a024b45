"""Rows of one set that were scaled in different ways."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place, train_loaders
from paramedic.checks.data.places import is_in_place, row_place
from paramedic.checks.data.samples import is_numeric, reading_changes_rows, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.recipe import Mixed, mixed_scales

LEAST_ROWS = 50
MOST_ROWS = 4000
LEAST_VALUES = 5
# Decades between the two groups. The calibrated half of the data sets in 8 variants of 4 sizes, 12 seeds: the widest gaps are
# 0.47 below and 0.24 above the rest with 150 rows or more, 0.77 and 0.31 with fewer or with groups of 3 or 4 rows. Dim or flat
# pictures and stretches of silence are natural, and few of them have gaps; of groups of a fifth of the rows it is 0.17.
# 2026-11-26.
GAP_BELOW, GAP_ABOVE = 0.6, 0.5
GAP_BELOW_OF_FEW, GAP_ABOVE_OF_FEW = 1.0, 0.6
FEW_ROWS, FEW_IN_GROUP, MANY_IN_GROUP = 150, 5, 0.2  # the last a share of the rows
SEPARATION = 4.0  # Ashman's D; 2 is the usual border of bimodality


class MixedRecipes(Check):
    """Some rows have another scale than the others, with nothing in between; or one row gets another at every reading.

    What it measures: whether reading a row changes the stored one (in-place preprocessing); the root mean square of
    every row, and its median share of what is typical of each feature, on a logarithmic scale: the largest gap, and
    Ashman's D of the two groups it separates.
    Why it matters: rows divided by 255 beside rows that are not are two different problems to the network.
    Fix: apply one and the same preprocessing to every row; look at where the two sorts of rows come from.
    Not a fault when: there are two kinds of rows by nature (silence and speech).
    References: the article's reason 15; Ashman, Bird and Zepf 1994.
    """

    reason = "R15"
    name = "mixed-recipes"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        changed = next((record for record in train_loaders(case) if reading_changes_rows(case, record)), None)
        if changed is not None:
            yield self.fault(
                "reading a row of the dataset changes it: every epoch prepares the values of the epoch before once more "
                "(expected: the same row at every reading): do not work in place on what the dataset holds",
                where=row_place(changed.dataset, is_in_place) or changed.constructed or changed.place,
                remedy="in __getitem__, make a new tensor: x = (x - mean) / std instead of x -= mean; x /= std",
                explains=(
                    "R12",
                    "R13",
                    "R21",
                    "R15",
                    "constant-input",
                    "R36",
                    "R35",
                    "R06",
                    "conflicting-labels",
                ),
                exact=True,
            )
            return
        found = rows(case)
        if not is_numeric(found.inputs) or found.inputs[0].numel() < 2:
            raise NotApplicable("the rows are tokens or single numbers")
        if len(found.inputs) < LEAST_ROWS:
            raise NotChecked(f"only {len(found.inputs)} rows are at hand, {LEAST_ROWS} are needed")
        step = max(1, len(found.inputs) // MOST_ROWS)
        values = found.inputs[::step].reshape(len(found.inputs[::step]), -1).double().numpy()
        if not np.isfinite(values).all():
            raise NotChecked("the inputs are not finite")
        if (
            np.median([len(np.unique(column)) for column in values[:500, :: step_of(values)].T])
            < LEAST_VALUES
        ):
            raise NotApplicable("the features have a handful of values each: their scales are steps anyway")
        positive = np.flatnonzero(values.std(axis=1) > 0)
        if len(positive) < LEAST_ROWS:
            raise NotChecked("most rows are constant")
        mixed = mixed_scales(values[positive])
        least = _least_gap(mixed, len(positive))
        if mixed.gap <= least or mixed.separation <= SEPARATION:
            return
        low, high = mixed.scales
        places = [int(positive[row]) * step for row in mixed.rows]
        yield self.suspect(
            f"{mixed.count} of {len(positive)} rows ({mixed.small:.1%}) have another scale than the rest: scale "
            f"{high:.3g} against {low:.3g} ({high / max(low, 1e-12):.0f} times), with nothing in between ("
            f"{', '.join(found.names(places))}): apply one preprocessing to every row",
            where=found.place(places) or data_place(case),
            evidence=(
                Evidence("gap between the groups", mixed.gap, f"< {least}", "decades"),
                Evidence("Ashman's D", mixed.separation, f"< {SEPARATION}"),
            ),
            remedy="apply one and the same scaling to every row; look at where the two sorts of rows come from",
            explains=("R12", "R36", "R35", "train-validation-recipe-mismatch"),
            extra={"samples": ("train", tuple(places))},
        )


def _least_gap(mixed: Mixed, rows: int) -> float:
    if mixed.small >= MANY_IN_GROUP:
        return GAP_ABOVE
    if rows < FEW_ROWS or mixed.count < FEW_IN_GROUP:
        return GAP_BELOW_OF_FEW if mixed.lower else GAP_ABOVE_OF_FEW
    return GAP_BELOW if mixed.lower else GAP_ABOVE


def step_of(values: np.ndarray) -> int:  # type: ignore[type-arg]
    """A stride that leaves about a hundred columns."""
    return max(1, values.shape[1] // 100)
