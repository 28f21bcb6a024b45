"""Rows that stand in the data set several times."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.samples import rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.splits import collision_probability

SHARE = 0.05  # of the rows; none of the 22 data sets of the calibration has more, 2026-11
CHANCE_PAIRS = 1e-3
COLLISION_ROWS = 500


class RepeatedRows(Check):
    """Many rows of the data set are exact copies of others.

    What it measures: the hashes of all rows. Inputs so poor in detail that rows are equal by chance are left out.
    Why it matters: copies count double in training, and a split tears them apart so that validation measures memory.
    Fix: drop copies before the split; look for a file that was read twice, or for an index that is divided.
    Not a fault when: rows were repeated on purpose (oversampling), after the split.
    References: the article's reasons 1 and 3; Barz and Denzler, "Do we train on test data?", 2020.
    """

    reason = "R03"
    name = "repeated-rows"
    also = ("S4", "R01")
    needs = ("data",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found = rows(case)
        split = found.split
        assert split is not None
        share = split.summary.distinct.repeated_share
        if share <= SHARE:
            return
        first = np.unique(found.hashes, return_index=True)[1]  # copies would look like chance
        flat = found.inputs.reshape(len(found.inputs), -1).double().numpy()[first]
        sample = flat[np.random.default_rng(0).permutation(len(flat))[:COLLISION_ROWS]]
        if split.total**2 / 2 * collision_probability(sample) > CHANCE_PAIRS:
            raise NotApplicable("the inputs have so little detail that rows are equal by chance")
        _, place, counts = np.unique(found.hashes, return_inverse=True, return_counts=True)
        copies = np.flatnonzero(counts[place] > 1)
        pair = copies[found.hashes[copies] == found.hashes[copies[0]]].tolist() if len(copies) else []
        equal = f"; for example {', '.join(found.names(pair))} are equal" if pair else ""
        yield self.suspect(
            f"{share:.1%} of the {split.total} rows equal another row (expected 0%{equal}): drop copies before you split",
            where=found.place(pair) or data_place(case),
            evidence=(Evidence("share of repeated rows", share, f"<= {SHARE}"),),
            remedy="drop copies before the split; look for a file that was read twice, or an index that is divided",
            explains=("R09", "near-duplicates-across-splits"),
            extra={"samples": ("train", tuple(pair))},
        )
