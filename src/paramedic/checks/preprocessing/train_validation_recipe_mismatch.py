"""Training and validation rows that were prepared in different ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotChecked
from paramedic.checks.data.clean_view import augmentation, clean_view, spread_between_draws
from paramedic.checks.data.passes import data_place
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import SplitRows, split_rows
from paramedic.measurements.data.recipe import TwoSamples, row_statistics, two_samples

LEAST_ROWS = 25
MOST_ROWS = 400
# Out of fold, Mann-Whitney's p is somewhat too small (folds share rows): of 177 healthy splits of 22 data sets one
# came to 4e-4, none below 1e-4 (docs/data-calibration.md, 2026-11).
P = 1e-4
AUC = 0.65
GROSS_AUC = (
    0.95  # of one statistic of a row alone: hardly any row of one split has a counterpart in the other
)
GROSS_RATIO = 1.5  # of the root mean squares
MOST_SPREAD = 0.5  # between two readings of a row, over that between rows: then augmentation alone makes such differences


class TrainValidationRecipeMismatch(Check):
    """Validation data are prepared in another way than the training data, or come from elsewhere.

    What it measures: a classifier two-sample test: extra trees try, out of fold, to tell the two splits apart by the
    moments, quantiles and roughness of each row. Training rows that are augmented at random are compared without their
    augmentation where that can be had. Where it cannot, or rows are windows of a series, only a difference that nearly
    every row shows, with another overall scale, counts.
    Why it matters: the network is validated on something else than it was trained on.
    Fix: one function for the preprocessing of both splits; augmentation alone may differ.
    Not a fault when: the validation rows really come from elsewhere (later in time, another clinic): then validation
    measures that shift.
    References: the article's reason 15; Lopez-Paz and Oquab 2017; Rabanser et al., "Failing loudly", 2019.
    """

    reason = "R15"
    name = "train-validation-recipe-mismatch"
    needs = ("rows", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        found = _without_augmentation(case, split_rows(case, LEAST_ROWS))
        train, names = row_statistics(_some(found.train), found.shape)
        validation, _ = row_statistics(_some(found.validation), found.shape)
        test = two_samples(train, validation, names)
        if not (_gross(found, test) or (_comparable(found) and test.p < P and test.auc > AUC)):
            return
        yield self.suspect(
            f"validation rows differ from training rows: a classifier tells them apart with AUC {test.auc:.2f} (expected "
            f"0.50, p = {test.p:.1g}); {test.feature} of a row: training {test.medians[0]:.3g}, validation "
            f"{test.medians[1]:.3g}: another preprocessing, or data from elsewhere",
            where=data_place(case, "validation") or data_place(case),
            evidence=(
                Evidence("AUC of telling the splits apart", test.auc, "0.5"),
                Evidence("p", test.p, f"> {P}"),
                Evidence(test.feature, test.medians[1], f"{test.medians[0]:.3g}"),
            ),
            remedy="use one function for the preprocessing of both splits (augmentation apart)",
            explains=("R30", "R21"),
        )


def _without_augmentation(case: Case, found: SplitRows) -> SplitRows:
    """Augmentation is row R13's matter: here the rows before it count, unless it is validation's recipe that made them."""
    if augmentation(case) is None:
        return found
    clean = clean_view(case)
    if clean is not None and clean.known and clean.complete and not clean.borrowed:
        rows = clean.rows().flatten(1).double().numpy()
        return replace(found, train=rows, augmented=False) if len(rows) >= LEAST_ROWS else found
    if spread_between_draws(case) > MOST_SPREAD:
        raise NotChecked("training rows are changed strongly at random (row R13), and rows without that cannot be had")
    return found


def _comparable(found: SplitRows) -> bool:
    return not found.augmented and not found.series


def _gross(found: SplitRows, test: TwoSamples) -> bool:
    rms = [float(np.sqrt((part**2).mean())) + 1e-12 for part in (found.train, found.validation)]
    ratio = max(rms) / min(rms)
    return test.p < P and abs(test.feature_auc - 0.5) > GROSS_AUC - 0.5 and ratio > GROSS_RATIO


def _some(values: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
    return values[np.random.default_rng(2).permutation(len(values))[:MOST_ROWS]]
