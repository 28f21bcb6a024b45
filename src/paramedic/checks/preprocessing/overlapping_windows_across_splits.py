"""Windows of one series, which overlap, drawn at random for training and validation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.places import REORDERING, SPLITTING, calls, line_behind
from paramedic.checks.data.samples import is_numeric, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import validation_inputs
from paramedic.measurements.data.windows import LEAST_STEPS, SHARED, shared_windows

LEAST_ROWS = 10
LEAST = 3
# Of the validation windows. Where a series is split by time, those at the border share steps with training windows on one
# side only and are not counted; drawn at random a quarter of the windows have some on both sides nearly always.
SHARE = 0.1


class OverlappingWindowsAcrossSplits(Check):
    """Validation windows hold the same time steps as training windows, moved by some steps.

    What it measures: exactly, by hashes of the time steps, how many validation rows share 40 % of their steps or more with
    a training row that begins earlier and with one that begins later. Windows at the border of a split by time have such
    neighbours on one side and do not count. Steps of few different values, periods and backgrounds are left out.
    Why it matters: the network has met most of what it is validated on: validation measures memory in part.
    Fix: split the recordings, persons or the time axis first, and cut windows afterwards.
    Not a fault when: what lies between known windows is to be filled in, and nothing else.
    References: the article's reason 15; Hammerla and Ploetz, "Let's (not) stick together", 2015.
    """

    reason = "R15"
    name = "overlapping-windows-across-splits"
    also = ("R21",)
    needs = ("rows", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        train, other = rows(case).inputs, validation_inputs(case)
        if not is_numeric(train):
            raise NotApplicable("the inputs are tokens")
        if other is None:
            raise NotApplicable("no validation pass on other than the training rows was recorded")
        if train.dim() not in (2, 3) or train.shape[1:] != other.shape[1:] or train.dtype != other.dtype:
            raise NotApplicable("the rows are no windows of a series")
        if max(train.shape[1:]) < LEAST_STEPS:
            raise NotApplicable(f"a row has fewer than {LEAST_STEPS} steps")
        if min(len(train), len(other)) < LEAST_ROWS:
            raise NotChecked(f"{len(train)} training and {len(other)} validation rows (at least {LEAST_ROWS})")
        found = shared_windows(train.cpu().numpy(), other.cpu().numpy())
        if found is None:
            raise NotApplicable("the steps have so few different values that parts are equal by chance")
        share = found.between / found.rows
        if found.between < LEAST or share < SHARE:
            raise Passed(f"{found.any} of {found.rows} validation windows share steps with a training window")
        row, first, shift, shared = found.examples[0]
        copies = tuple(dict.fromkeys(item[0] for item in found.examples))
        yield self.fault(
            f"{found.between} of {found.rows} validation windows ({share:.0%}) overlap training windows on both sides "
            f"(expected 0): for example validation row {row} and training row {first} share {shared} of their {found.steps} "
            f"steps, moved by {abs(shift)}: split the series first, cut windows afterwards",
            where=line_behind(
                data_place(case, "validation") or data_place(case), calls(*SPLITTING, *REORDERING), in_functions=True
            ),
            evidence=(
                Evidence("validation windows between training windows that share their steps", share, f"< {SHARE}"),
                Evidence("validation windows that share steps with any", found.any / found.rows),
                Evidence("least shared part", SHARED),
                Evidence("steps by which the nearest are moved", int(np.abs([item[2] for item in found.examples]).min())),
            ),
            remedy="split by recording, person or time first, and cut windows from each part afterwards",
            explains=("near-duplicates-across-splits", "train-validation-recipe-mismatch", "R21", "R30"),
            exact=True,
            extra={"samples": ("validation", copies)} if case.data is not None else {},
        )
