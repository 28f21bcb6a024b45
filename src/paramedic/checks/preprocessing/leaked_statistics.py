"""Normalization statistics that were computed over training and validation rows together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.places import STATISTICS, calls, line_behind_inputs
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import SplitRows, split_rows, with_repeated_rows
from paramedic.measurements.data.recipe import (
    UnitRange,
    centring,
    channels_touch_unit_bounds,
    is_grid,
    rows_are_centred,
    touches_unit_bounds,
)

LEAST_ROWS = 10
# |mean| sqrt(n) / sd of a random sample is below 1e-4 with probability 8e-5; rounding in float32 stays below it.
# 336 healthy splits: alarms on sklearn's diabetes alone, which is standardized over all rows, 2026-11.
ZERO = 1e-4
NOT_ZERO = 1e-2
# In standard deviations: inputs that are this much too far to one side differ by a thousandth of their variance. The
# splits of small or ordered data exceed it, those of thousands of rows at random do not (two sound programs of 2026-11-26).
MATERIAL = 0.03
BOUNDS_ALL, BOUNDS_TRAIN = 0.95, 0.8
LEAST_BOUNDED = 3  # features: one or two may touch 0 and 1 by chance or by what they are


class LeakedStatistics(Check):
    """Mean and standard deviation (or minimum and maximum) were computed over training and validation rows together.

    What it measures: whether the mean of the features is exactly zero over both splits together and not over the
    training rows alone; likewise whether minimum and maximum are 0 and 1 (or -1 and 1) over both together only, of series over
    rows and steps together.
    Why it matters: the validation rows have told the training something: validation looks a little better than it is.
    Fix: split first; fit the scaler on the training rows; apply it to both.
    Not a fault when: the dataset was published like that. What changes the statistics by less than 0.03 standard deviations
    is only noted (thousands of rows that were split at random), and so is one mean of all values together.
    References: the article's reason 15; Stanford CS231n, "Data preprocessing", common pitfall.
    """

    reason = "R15"
    name = "leaked-statistics"
    needs = ("rows", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        found = split_rows(case, LEAST_ROWS)
        if rows_are_centred(np.concatenate([found.train, found.validation])):
            raise NotApplicable("every row is centred on its own")
        trace = _trace(found)
        if trace is None and (whole := with_repeated_rows(case, found)) is not None:
            trace, found = _trace(whole), whole
        if trace is None:
            return
        kind, value, material = trace
        moved, n, m = _shift(found), len(found.train), len(found.validation)
        say = self.suspect if material and moved >= MATERIAL else self.note
        yield say(
            f"{kind} over the {n} training and {m} validation rows together and not over the training rows: the "
            f"statistics were computed over both (expected: training rows alone), which changes them by up to {moved:.2g} "
            f"standard deviations: split first, then fit the scaler",
            where=line_behind_inputs(data_place(case), calls(*STATISTICS)),
            evidence=(
                Evidence("|mean| in standard errors, both splits", value, f"> {ZERO}"),
                Evidence("what the validation rows change", round(moved, 4), f"< {MATERIAL}", "standard deviations"),
            ),
            remedy="split first; compute mean and standard deviation from the training rows; apply them to both",
        )


def _trace(found: SplitRows) -> tuple[str, float, bool] | None:
    """What both splits together have and the training rows alone have not, its value, and whether it could matter."""
    both, train = centring(np.concatenate([found.train, found.validation])), centring(found.train)
    if both.by_feature < ZERO and train.by_feature > NOT_ZERO:
        return "the mean of each feature is zero", both.by_feature, True
    if both.overall < ZERO and train.overall > NOT_ZERO:
        # Two numbers of all values together tell the training nothing that could be measured: no alarm.
        return "the mean of all values is zero", both.overall, False
    bounds = _fitted_to_both(found)
    return None if bounds is None else (f"minimum and maximum are {bounds.low:.0f} and 1", 1 - bounds.share, True)


def _shift(found: SplitRows) -> float:
    """By how much mean or standard deviation of a feature differ between both splits together and the
    training rows alone, at most, in standard deviations."""
    varies = found.train.std(0) > 1e-6 * np.abs(found.train).max(0)
    train, both = found.train[:, varies], np.concatenate([found.train, found.validation])[:, varies]
    if not train.shape[1]:
        return 0.0
    moved = [np.abs(measure(both, 0) - measure(train, 0)) / train.std(0) for measure in (np.mean, np.std)]
    return float(np.max(moved))


def _fitted_to_both(found: SplitRows) -> UnitRange | None:
    """Minimum and maximum of the features (of series: of the channels) are 0 and 1, or -1 and 1, over both splits, and over
    neither of them alone: validation points on a grid touch both ends by themselves. None where they are not.
    """
    parts = (np.concatenate([found.train, found.validation]), found.train, found.validation)
    rows = [touches_unit_bounds(part) for part in parts]
    if int((np.ptp(parts[0], axis=0) > 0).sum()) >= LEAST_BOUNDED and _only_together(rows):
        return rows[0]
    channels = [channels_touch_unit_bounds(part, found.steps) for part in parts]
    return channels[0] if _only_together(channels) and not is_grid(parts[0]) else None


def _only_together(ranges: list[UnitRange]) -> bool:
    both, train, validation = ranges
    return both.share > BOUNDS_ALL and max(train.share, validation.share) < BOUNDS_TRAIN
