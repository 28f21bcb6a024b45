"""A validation set that was normalized with statistics of its own."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.places import STATISTICS, calls, line_behind_inputs
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.leaked_statistics import MATERIAL
from paramedic.checks.preprocessing.split_rows import SplitRows, split_rows
from paramedic.measurements.data.recipe import (
    Centring,
    UnitRange,
    centring,
    channels_touch_unit_bounds,
    is_grid,
    rows_are_centred,
    touches_unit_bounds,
)

LEAST_ROWS = 10
ZERO = 1e-4  # in standard errors of the mean; a random sample is below it with probability 8e-5
BOUNDS = 0.95


class ValidationOwnStatistics(Check):
    """Validation rows were normalized with their own mean and standard deviation, not those of the training rows.

    What it measures: whether the mean of the features is exactly zero over the validation rows by themselves as well
    as over the training rows (or minimum and maximum 0 and 1, or -1 and 1, in both; of series over rows and steps together).
    Why it matters: the network sees other values for the same thing than in training; with one row it sees zeros.
    Fix: keep the training mean and standard deviation and apply them to every split.
    Not a fault when: every row is normalized on its own. One mean of all values of many pictures is only noted: it differs
    between two random parts by less than 0.03 standard deviations.
    References: the article's reason 15.
    """

    reason = "R15"
    name = "validation-own-statistics"
    needs = ("rows", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        found = split_rows(case, LEAST_ROWS)
        union = np.concatenate([found.train, found.validation])
        if rows_are_centred(union):
            raise NotApplicable("every row is centred on its own")
        train, validation = centring(found.train), centring(found.validation)
        if not _is_zero(validation, like=train):
            bounds = _bounds(found)
            if bounds is None or _few_values(union):
                return
            what = f"minimum and maximum of the features are {bounds.low:.0f} and 1"
        elif _is_zero(train):
            what = "the mean is zero"
        else:
            what = "the mean is zero only"
        # of one mean of all values only what rows differ in their means could make a difference between two random parts
        single = validation.by_feature >= ZERO and what.startswith("the mean")
        say = self.note if single and _expected_shift(found.validation) < MATERIAL else self.fault
        yield say(
            f"{what} over the {len(found.validation)} validation rows by themselves (expected: the statistics of the "
            f"training rows applied to both): keep the training statistics and apply them to every split",
            where=line_behind_inputs(data_place(case, "validation") or data_place(case), calls(*STATISTICS)),
            evidence=(
                Evidence(
                    "|mean| of the validation rows in standard errors",
                    min(validation.by_feature, validation.overall),
                    f"> {ZERO}",
                ),
            ),
            remedy="compute mean and standard deviation once, from the training rows, and apply them to every split",
            explains=("R21", "R30", "train-validation-recipe-mismatch"),
            exact=True,
        )


def _bounds(found: SplitRows) -> UnitRange | None:
    """The range that training rows and validation rows fill, each by themselves, with every feature, or with every channel of
    a series; None where they do not.
    """
    parts = (found.train, found.validation)
    pairs = [[touches_unit_bounds(part) for part in parts]] if found.train.shape[1] > 1 else []
    pairs.append([channels_touch_unit_bounds(part, found.steps) for part in parts])
    filled = [pair[0] for pair in pairs if min(item.share for item in pair) >= BOUNDS and pair[0].low == pair[1].low]
    return filled[0] if filled and not is_grid(found.validation) else None


def _expected_shift(rows: np.ndarray) -> float:  # type: ignore[type-arg]
    """By how much the mean of all values of so many rows differs from that of others of their kind, in standard deviations."""
    flat = rows.reshape(len(rows), -1)
    return float(flat.mean(1).std() / np.sqrt(len(flat)) / max(1e-12, float(flat.std())))


def _is_zero(item: Centring, like: Centring | None = None) -> bool:
    """like: rows that are zero feature by feature were prepared by feature, and so would these have been; the mean of all
    their values together is near zero by chance now and then.
    """
    by_feature = like is not None and like.by_feature < ZERO
    return item.by_feature < ZERO or (item.overall < ZERO and not by_feature)


def _few_values(union: np.ndarray) -> bool:  # type: ignore[type-arg]
    """Features with a handful of values touch their bounds in every split."""
    return float(np.median([len(np.unique(column)) for column in union.T])) < 20
