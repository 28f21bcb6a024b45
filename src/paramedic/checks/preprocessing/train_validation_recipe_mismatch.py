"""Training and validation rows that were prepared in different ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.clean_view import augmentation, clean_view, spread_between_draws
from paramedic.checks.data.passes import data_place
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import SplitRows, split_rows, validation_groups
from paramedic.experiments.counterfactual import reached_on_both
from paramedic.measurements.data.recipe import TwoSamples, row_statistics, two_samples
from paramedic.trace.place import Place

LEAST_ROWS = 25
MOST_ROWS = 400
LEAST_OF_CLASS = 3  # rows of a class in either split
LEAST_SHARED = 0.5  # of the rows of a split that are of classes of both
P_DRIFT = 0.01  # of the first against the second half of a split: the order of the rows says what they are
# Out of fold, Mann-Whitney's p is somewhat too small (folds share rows): of 177 healthy splits of 22 data sets one
# came to 4e-4, none below 1e-4 (docs/data-calibration.md, 2026-11).
P = 1e-4
AUC = 0.65
# Conventional: "acceptable" discrimination ends there (Hosmer and Lemeshow 2000). Sound programs whose splits are other parts
# of a picture, or whose training rows are mixed, came to 0.69 and 0.70; eight faulty recipes of programs/ to 0.998 or more.
CLEAR_AUC = 0.8
HARMLESS_GAP = 0.1  # of u, as GAIN of the experiments: a validation that the network does as well on explains no failure
GROSS_AUC = (
    0.95  # of one statistic of a row alone: hardly any row of one split has a counterpart in the other
)
GROSS_RATIO = 1.5  # of the root mean squares, or of the standard deviations
Rows = NDArray[np.int64]
MOST_SPREAD = 0.5  # between two readings of a row, over that between rows: then augmentation alone makes such differences


class TrainValidationRecipeMismatch(Check):
    """Validation data are prepared in another way than the training data, or come from elsewhere.

    What it measures: a classifier two-sample test: extra trees try, out of fold, to tell the two splits apart by the
    moments, quantiles and roughness of each row, within the classes, so that other shares of them are no difference.
    Training rows that are augmented at random are compared without their augmentation where that can be had. Where it
    cannot, where rows are windows of a series, where the first half of a split differs from its second half (then rows
    were split by an order that says what they are: by writer, day, place), or where the splits hold other classes, only
    a difference that nearly every row shows, with another overall scale, counts. So it is with the rows of one evaluation
    among several (a test set beside the validation set).
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
        part = _one_evaluation(case)
        if part is not None:
            test, where = part
            yield self._finding_of(self.suspect, f"the rows of one evaluation ({where})", test, where)
            return
        found = _without_augmentation(case, split_rows(case, LEAST_ROWS))
        shared = _of_shared_classes(found)
        test = _test(found if shared is None else shared)
        alarm = _gross(found, test)
        if not alarm and test.p < P and test.auc > AUC:
            if found.augmented or found.series:
                return
            if shared is None:
                raise NotChecked("training and validation rows are of other classes, which may explain their difference")
            if _drifts(shared):
                raise NotChecked(
                    "rows differ along their own order (the first half of a split from its second half): splits by that "
                    "order differ, whatever the preprocessing"
                )
            alarm = True
        if not alarm:
            return
        ended = reached_on_both(case)
        harmless = ended is not None and ended.validation - ended.train < HARMLESS_GAP
        small = case.data is None and test.auc < CLEAR_AUC  # other parts of a picture, mixed rows: many validations differ so
        say = self.note if harmless or small else self.suspect
        where = data_place(case, "validation") or data_place(case)
        yield self._finding_of(say, "validation rows", test, where, " (the network does as well on them)" if harmless else "")

    def _finding_of(
        self, say: Callable[..., Finding], which: str, test: TwoSamples, where: Place | None, more: str = ""
    ) -> Finding:
        here = "here" if "(" in which else "validation"
        return say(
            f"{which} differ from training rows: a classifier tells them apart with AUC {test.auc:.2f} (expected "
            f"0.50, p = {test.p:.1g}); {test.feature} of a row: training {test.medians[0]:.3g}, "
            f"{here} {test.medians[1]:.3g}: another preprocessing, or data from elsewhere{more}",
            where=where,
            evidence=(
                Evidence("AUC of telling the splits apart", test.auc, "0.5"),
                Evidence("p", test.p, f"> {P}"),
                Evidence(f"{test.feature} of an evaluated row", test.medians[1], f"{test.medians[0]:.3g}, as in training"),
            ),
            remedy="use one function for the preprocessing of both splits (augmentation apart)",
            explains=("R30", "R21"),
        )


def _one_evaluation(case: Case) -> tuple[TwoSamples, Place | None] | None:
    """Of several evaluations (validation, test), one whose rows nearly all differ from the training rows in scale, where
    those of another do not.
    """
    groups = validation_groups(case) if case.data is None else []
    tests: list[tuple[TwoSamples, Place | None] | None] = []
    for group in groups if len(groups) > 1 else ():
        try:
            found = _without_augmentation(case, split_rows(case, LEAST_ROWS, group))
        except (NotApplicable, NotChecked):
            continue
        drawn = _drawn(found, np.arange(len(found.train)), np.arange(len(found.validation)))
        test = _test(drawn)
        tests.append((test, group[0].flow.node.place or group[0].place) if _gross(drawn, test) else None)
    wrong = [item for item in tests if item is not None]
    return wrong[0] if wrong and len(wrong) < len(tests) else None


def _without_augmentation(case: Case, found: SplitRows) -> SplitRows:
    """Augmentation is row R13's matter: here the rows before it count, unless it is validation's recipe that made them."""
    if augmentation(case) is None:
        return found
    clean = clean_view(case)
    if clean is not None and clean.known and clean.complete and not clean.borrowed:
        rows = clean.rows().flatten(1).double().numpy()
        return replace(found, train=rows, augmented=False, labels=None) if len(rows) >= LEAST_ROWS else found
    if spread_between_draws(case) > MOST_SPREAD:
        raise NotChecked("training rows are changed strongly at random (row R13), and rows without that cannot be had")
    return found


def _of_shared_classes(found: SplitRows) -> SplitRows | None:
    """The rows of the classes that both splits have, drawn down to MOST_ROWS; None where these are few. All rows where
    there are no classes.
    """
    if found.labels is None:
        return _drawn(found, np.arange(len(found.train)), np.arange(len(found.validation)))
    counts = [dict(zip(*np.unique(part, return_counts=True), strict=True)) for part in found.labels]
    shared = [name for name in counts[0] if min(count.get(name, 0) for count in counts) >= LEAST_OF_CLASS]
    kept = [np.flatnonzero(np.isin(part, shared)) for part in found.labels]
    if any(len(mine) < max(LEAST_ROWS, LEAST_SHARED * len(part)) for mine, part in zip(kept, found.labels, strict=True)):
        return None
    return _drawn(found, *kept)


def _drawn(found: SplitRows, train: Rows, validation: Rows) -> SplitRows:
    one, other = _some(train), _some(validation)
    labels = (found.labels[0][one], found.labels[1][other]) if found.labels is not None else None
    return replace(found, train=found.train[one], validation=found.validation[other], labels=labels)


def _test(found: SplitRows) -> TwoSamples:
    train, names = row_statistics(found.train[_some(np.arange(len(found.train)))], found.shape)
    validation, _ = row_statistics(found.validation[_some(np.arange(len(found.validation)))], found.shape)
    strata = found.labels if found.labels is not None and len(found.labels[0]) == len(train) else None
    return two_samples(train, validation, names, strata=strata)


def _drifts(found: SplitRows) -> bool:
    """Whether the first half of either split is told from its second half."""
    for part, rows in enumerate((found.train, found.validation)):
        if len(rows) < 2 * LEAST_ROWS or (part == 0 and not found.ordered):
            continue
        half = len(rows) // 2
        values, names = row_statistics(rows, found.shape)
        labels = (found.labels[part][:half], found.labels[part][half:]) if found.labels is not None else None
        if two_samples(values[:half], values[half:], names, strata=labels).p < P_DRIFT:
            return True
    return False


def _gross(found: SplitRows, test: TwoSamples) -> bool:
    parts = (found.train, found.validation)
    sizes = [[float(size) + 1e-12 for size in both] for both in (
        [np.sqrt((part**2).mean()) for part in parts], [part.std() for part in parts]  # an offset can make up for a factor
    )]
    ratio = max(max(both) / min(both) for both in sizes)
    return test.p < P and abs(test.feature_auc - 0.5) > GROSS_AUC - 0.5 and ratio > GROSS_RATIO


def _some(rows: Rows) -> Rows:
    """At most MOST_ROWS of them, in their order."""
    return np.sort(np.random.default_rng(2).permutation(rows)[:MOST_ROWS])
