"""Values far away from all others of their column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.places import STATISTICS, calls, line_behind
from paramedic.checks.data.samples import is_numeric, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.trace.dataset import Split

LEAST_ROWS = 50
MOST_WIDTH = 256
LEAST_VALUES = 10  # different ones among the others
REPEATED = 3  # rows with exactly the same far value: a placeholder
MOST_SHARE = 0.3  # of the rows
# Distance from the nearest other value, in ranges of the others. Calibrated by `make bench-data`.
PLACEHOLDER_GAP = 1.0
USUAL = frozenset((-999.0, -9999.0, -99.0, -99999.0, 999.0, 9999.0, 99999.0, 999999.0, -32768.0))  # placeholders in use
USUAL_GAP = 0.3
OUTLIER_GAP = 10.0
MOST_OUTLIERS = 3
SHOWN = 4
# In a program the values may be meant; what counts is that they leave nothing of the column's scale to the others. A column
# with a fifth of zeros beside values of 100 to 200 leaves them 0.44 of it, one with 4 % of -999 beside temperatures 0.05.
MOST_SQUEEZE = 0.25
# Where placeholders should have been seen: missing values are looked for, a file is read, or statistics are taken.
READING = (
    calls("fillna", "nan_to_num", "isnan", "isna", "dropna"),
    calls("read_csv", "genfromtxt", "loadtxt", "read_parquet"),
    calls(*STATISTICS),
)


@dataclass(frozen=True)
class Isolated:
    """rows whose ``value`` lies ``gap`` ranges of the others (low to high) away from the nearest of them.

    squeeze: the standard deviation of the others, in that of the whole column.
    """

    column: int
    rows: tuple[int, ...]
    value: float
    low: float
    high: float
    gap: float
    placeholder: bool
    squeeze: float = 1.0


class IsolatedValues(Check):
    """A few values of a column lie far away from all others: placeholders for what is missing, or slips.

    What it measures: in every column, the distance of its smallest and of its largest values from the nearest other
    value, in ranges of these others: more than one range for a value that comes three times or more (0.3 for the usual
    placeholders, such as -999), more than ten for single ones (a slipped decimal point, another unit). In a training program,
    of what the network gets (the steps of a series together), where the others are left less than a quarter of the column's
    standard deviation.
    Why it matters: one such value dominates mean, standard deviation and gradient of its column.
    Fix: treat placeholders as missing; correct slips.
    Not a fault when: the value is real (a rare event).
    References: the article's reason 1; Hampel 1974 on robustness to such values.
    """

    reason = "R01"
    name = "isolated-values"
    also = ("S4", "R12")
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found = rows(case)
        split = found.split
        series = split is None and found.inputs.dim() == 3
        if not is_numeric(found.inputs) or found.inputs.dim() not in (2, 3 if series else 2):
            raise NotApplicable("the rows are neither a table nor series")
        if found.inputs.shape[-1] > MOST_WIDTH:
            raise NotApplicable(f"{found.inputs.shape[-1]} columns are more than a table's (at most {MOST_WIDTH})")
        if len(found.inputs) < LEAST_ROWS:
            raise NotChecked(f"{len(found.inputs)} rows are too few to tell (at least {LEAST_ROWS})")
        columns = split.columns if split is not None else ()
        width = split.numbers if split is not None and columns else found.inputs.shape[-1]
        isolated = list(_isolated(found.inputs, width))
        if split is not None:
            isolated += _beyond_sample(split, found.inputs[:, :width].double().numpy(), {item.column for item in isolated})
        else:
            isolated = [item for item in isolated if item.squeeze < MOST_SQUEEZE]
        if not isolated:
            return
        isolated.sort(key=lambda item: -item.gap)
        texts = []
        for item in isolated[:SHOWN]:
            name = columns[item.column] if columns else f"column {item.column}"
            rows_ = f"in {len(item.rows)} rows ({', '.join(found.names(item.rows, 3))})" if item.rows else "in some row"
            texts.append(f"{name}: {item.value:.6g} {rows_} where the others lie in {item.low:.6g} to {item.high:.6g}")
        more = f"; and {len(isolated) - SHOWN} more columns" if len(isolated) > SHOWN else ""
        if split is None:
            more += f"; they leave the others {isolated[0].squeeze:.0%} of the column's standard deviation"
        what = "placeholders for missing values?" if isolated[0].placeholder else "slips, or another unit?"
        yield self.suspect(
            f"values far from all others ({what}): {'; '.join(texts)}{more}: repair these, or treat them as missing",
            where=found.place(isolated[0].rows) or line_behind(data_place(case), *READING, in_functions=True),
            evidence=(
                Evidence("distance in ranges of the others", isolated[0].gap, f"< {PLACEHOLDER_GAP:g}"),
                Evidence("the others' standard deviation in the column's", round(isolated[0].squeeze, 3), f">= {MOST_SQUEEZE}"),
                Evidence("columns", len(isolated), "0"),
            ),
            remedy="treat placeholders as missing values, correct slips, before statistics are computed",
            explains=("R12", "mixed-recipes", "train-validation-recipe-mismatch"),
            extra={"samples": ("train", isolated[0].rows)},
        )


def _isolated(inputs: Tensor, width: int) -> Iterator[Isolated]:
    """Of each column; the steps of a series count as values of the same column, without the steps that are padded."""
    steps = inputs.shape[1] if inputs.dim() == 3 else 1
    values = inputs.double().reshape(-1, inputs.shape[-1]).cpu().numpy()
    number = np.arange(len(values)) // steps
    if steps > 1 and values.shape[1] > 1:
        kept = (values != values[:, :1]).any(axis=1)
        values, number = values[kept], number[kept]
    for column in range(width):
        found = isolated_in(values[:, column], column)
        if found is not None:
            yield replace(found, rows=tuple(dict.fromkeys(int(number[row]) for row in found.rows)))


def isolated_in(values: NDArray[np.float64], column: int = 0) -> Isolated | None:
    """The most isolated value at either end of one column; None where there is none."""
    finite = np.flatnonzero(np.isfinite(values))
    found = [_at_end(values, finite, column, top) for top in (False, True)]
    return max((item for item in found if item is not None), key=lambda item: item.gap, default=None)


def _beyond_sample(split: Split, values: NDArray[np.float64], known: set[int]) -> list[Isolated]:
    """Extremes of all rows that lie far outside of those of the sample; their rows are not known."""
    moments = split.summary.moments
    if split.complete or moments is None or len(moments.low) < values.shape[1]:
        return []
    found = []
    for column in set(range(values.shape[1])) - known:
        sample = values[np.isfinite(values[:, column]), column]
        if len(np.unique(sample)) < LEAST_VALUES:
            continue
        low, high = float(sample.min()), float(sample.max())
        for value in (float(moments.low[column]), float(moments.high[column])):
            gap = max(low - value, value - high) / (high - low)
            if gap > OUTLIER_GAP:
                found.append(Isolated(column, (), value, low, high, gap, False))
    return found


def _at_end(values: NDArray[np.float64], finite: NDArray[np.int64], column: int, top: bool) -> Isolated | None:
    if len(finite) < LEAST_ROWS:
        return None
    end = values[finite].max() if top else values[finite].min()
    equal = finite[values[finite] == end]
    if len(equal) >= REPEATED:
        return _judged(values, finite, column, equal, USUAL_GAP if end in USUAL else PLACEHOLDER_GAP, True)
    order = finite[np.argsort(values[finite] if not top else -values[finite], kind="stable")]
    for count in range(1, MOST_OUTLIERS + 1):
        item = _judged(values, finite, column, order[:count], OUTLIER_GAP, False)
        if item is not None:
            return item
    return None


def _judged(
    values: NDArray[np.float64],
    finite: NDArray[np.int64],
    column: int,
    chosen: NDArray[np.int64],
    least: float,
    placeholder: bool,
) -> Isolated | None:
    others = values[np.setdiff1d(finite, chosen)]
    if len(chosen) > MOST_SHARE * len(finite) or len(np.unique(others)) < LEAST_VALUES:
        return None
    low, high = float(others.min()), float(others.max())
    mine = values[chosen]
    distance = float(mine.min() - high) if mine.min() > high else float(low - mine.max())
    gap = distance / (high - low)
    if gap <= least:
        return None
    squeeze = float(others.std() / values[finite].std())
    return Isolated(column, tuple(int(row) for row in chosen), float(mine[0]), low, high, gap, placeholder, squeeze)
