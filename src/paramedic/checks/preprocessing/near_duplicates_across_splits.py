"""Validation rows that are all but copies of training rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.samples import is_numeric, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import split_rows
from paramedic.measurements.data.splits import near_copies

LEAST_ROWS = 25
MOST_ROWS = 2000
P = 1e-4  # 44 healthy splits of 22 data sets: none below 1e-3, 2026-11
LEAST_SHARE = 0.02
LEAST = 2


class NearDuplicatesAcrossSplits(Check):
    """Validation rows are nearly equal to training rows: resaved pictures, neighbouring frames, noisy copies.

    What it measures: the distance of each validation row from its nearest training row, in standardized values; how
    many lie nearer than a quarter of the distance which that row has from its own nearest, against how many training
    rows do so among themselves (binomial); the same for a tenth, at the rate that the rows' dimension lets expect.
    Why it matters: validation measures memory in part, and looks better than the network is.
    Fix: split by source (video, patient, original picture), and augment after the split.
    Not a fault when: never by chance; a series with slow changes has such neighbours by nature (split by time).
    References: the article's reason 15; Barz and Denzler, "Do we train on test data?", 2020; Levina
    and Bickel 2004 (dimension).
    """

    reason = "R15"
    name = "near-duplicates-across-splits"
    needs = ("data", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        if not is_numeric(rows(case).inputs):
            raise NotApplicable("the inputs are tokens")
        found = split_rows(case, LEAST_ROWS)
        validation = rows(case, "validation")
        if found.series:
            raise NotApplicable("the rows are a series: neighbours in time are alike")
        generator = np.random.default_rng(4)
        train = found.train[generator.permutation(len(found.train))[:MOST_ROWS]]
        keys = np.flatnonzero(~np.isin(validation.hashes, rows(case).hashes))  # exact copies are another check's
        if len(keys) < LEAST_ROWS:
            raise NotChecked("nearly all validation rows are training rows")
        chosen = np.sort(generator.permutation(keys)[:MOST_ROWS])
        other = validation.inputs[torch.from_numpy(chosen)].reshape(len(chosen), -1).double().numpy()
        near = near_copies(train, other)
        p, share = near.p, len(near.rows) / len(other)
        if p >= P or share <= LEAST_SHARE + near.usual or len(near.rows) < LEAST:
            return
        copies = [int(chosen[row]) for row in near.rows]
        yield self.suspect(
            f"{len(near.rows)} of {len(other)} validation rows ({share:.1%}) are nearly equal to a training row (expected "
            f"{near.usual:.1%} as among training rows, p = {p:.1g}; {', '.join(validation.names(copies))}): split by source",
            where=validation.place(copies),
            evidence=(
                Evidence("validation rows near a training row", share, f"about {near.usual:.3g}"),
                Evidence("p", p, f"> {P}"),
            ),
            remedy="split by source (video, patient, original picture) and augment after the split",
            extra={"samples": ("validation", tuple(copies))},
        )
