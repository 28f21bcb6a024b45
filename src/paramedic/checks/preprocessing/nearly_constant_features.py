"""Features that were divided by a standard deviation of almost zero."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.data.passes import data_place
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import split_rows

LEAST_ROWS = 25
# In training standard deviations, and in typical values of the other features. Digits standardized on 100 rows reach
# 36,000; no feature of the 22 data sets reaches 1,000 in both, 2026-11.
FAR = 1000.0
LEAST_WIDTH = 4


class NearlyConstantFeatures(Check):
    """A feature is (nearly) constant in training and enormous in validation: it was divided by almost zero.

    What it measures: for every feature, its largest distance in validation from the training mean, in training standard
    deviations and against the typical size of the features.
    Why it matters: one validation row with such a value gets an arbitrary output, and a loss that hides all others.
    Fix: drop features that are constant in training, or divide by ``sd.clamp_min(1e-3)`` or 1 where it is zero.
    Not a fault when: the value is real.
    References: the article's reasons 12 and 15; scikit-learn's ``StandardScaler`` divides by 1 where the variance is 0.
    """

    reason = "R15"
    name = "nearly-constant-features"
    also = ("R12",)
    needs = ("data", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        found = split_rows(case, LEAST_ROWS)
        if found.train.shape[1] < LEAST_WIDTH:
            return
        mean, sd = found.train.mean(axis=0), found.train.std(axis=0)
        typical = float(np.median(np.sqrt((found.train**2).mean(axis=0))))
        distance = np.abs(found.validation - mean).max(axis=0)
        size = np.abs(found.validation).max(axis=0)
        hit = np.flatnonzero((distance > FAR * sd) & (size > FAR * max(typical, 1e-12)) & (distance > 0))
        if not len(hit) or typical == 0:
            return
        worst = int(hit[np.argmax(size[hit])])
        yield self.suspect(
            f"{len(hit)} features are nearly constant in training and reach {size[worst]:.3g} in validation (feature {worst}; "
            f"training sd {sd[worst]:.2g}, typical value {typical:.2g}): they were divided by almost zero: drop them",
            where=data_place(case, "validation"),
            evidence=(
                Evidence("largest validation value", float(size[worst]), f"< {FAR:g} times {typical:.3g}"),
                Evidence("features", len(hit), "0"),
            ),
            remedy="drop features that are constant in training, or divide by 1 where the training sd is (nearly) zero",
            explains=("train-validation-recipe-mismatch", "feature-scale"),
        )
