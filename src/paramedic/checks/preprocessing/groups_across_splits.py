"""Rows of one person, speaker or video in both splits."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding

LEAST_GROUPS = 10  # fewer are sites or devices, which both splits must have
MOST_OWN = 0.9  # different values over rows: above it the column numbers the rows
LEAST_SHARE = 0.05  # of the validation rows


class GroupsAcrossSplits(Check):
    """Validation rows share an identifier (patient, speaker, user, video) with training rows.

    What it measures: for every column whose name is that of an identifier and whose values repeat, the share of the
    validation rows whose value training rows have too.
    Why it matters: rows of one patient resemble each other: validation measures whether the patient is recognized.
    Fix: split by group (``GroupShuffleSplit``), so that no group is in both.
    Not a fault when: the same persons will be met in use (recommendation, a personal model).
    References: the article's reason 15; Kaufman et al., "Leakage in data mining", 2012.
    """

    reason = "R15"
    name = "groups-across-splits"
    needs = ("data", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        assert case.data is not None
        train, validation = case.data.train, case.data.splits["validation"]
        columns = [name for name in train.groups if name in validation.groups]
        if not columns:
            raise NotApplicable("there is no column with an identifier of a group")
        examined = False
        for name in columns:
            mine, theirs = train.groups[name], validation.groups[name]
            groups = np.unique(mine)
            every = np.concatenate([mine, theirs])
            if len(groups) < LEAST_GROUPS or len(np.unique(every)) > MOST_OWN * len(every):
                continue
            examined = True
            share = float(np.isin(theirs, groups).mean())
            if share <= LEAST_SHARE:
                continue
            both = len(np.intersect1d(groups, theirs))
            yield self.suspect(
                f"{share:.0%} of the validation rows have a value of {name} that training rows have too ({both} of "
                f"{len(np.unique(theirs))} groups; expected 0): split by {name}",
                where=validation.place_of(int(validation.index[int(np.flatnonzero(np.isin(theirs, groups))[0])])),
                evidence=(Evidence(f"validation rows of known {name}", share, "0"),),
                remedy=f"split by group: GroupShuffleSplit over {name}, so that no group is in both splits",
            )
        if not examined:
            raise NotApplicable("the identifiers number the rows, or name fewer than 10 groups")
