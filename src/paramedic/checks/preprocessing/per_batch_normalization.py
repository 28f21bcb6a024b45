"""Inputs that are normalized batch by batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place, model_place
from paramedic.checks.data.places import calls, function_place, line_behind, line_fits
from paramedic.checks.data.samples import batches, is_numeric, loader_of
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.recipe import batch_centring, rows_are_centred
from paramedic.trace.place import Place

LEAST_BATCHES = 3
LEAST_ROWS = 4
SHARE = (
    0.9  # of the batches; a random batch has a mean of zero with probability 1e-3; 0 of 336 healthy, 2026-11
)


class PerBatchNormalization(Check):
    """Every batch is normalized with its own mean and standard deviation.

    What it measures: in how many of the recorded batches the mean of the features (or of all values) is exactly zero.
    Why it matters: the same row gets other values in every batch, and a single row at inference becomes zero.
    Fix: compute mean and standard deviation once, over the training set.
    Not a fault when: each row is normalized on its own, or the normalization is a layer with running statistics.
    References: the article's reason 15.
    """

    reason = "R15"
    name = "per-batch-normalization"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if case.data is not None and not case.loaders:
            raise NotApplicable("the target is no DataLoader, so that there are no batches")
        given = case.data.batches if case.data is not None else [batch.inputs for batch in batches(case)]
        recorded = [inputs for inputs in given if len(inputs) >= LEAST_ROWS]
        if not recorded or not is_numeric(recorded[0]):
            raise NotApplicable("there are no batches of several numeric rows")
        different = {np.sort(row_hashes(inputs)).tobytes(): inputs for inputs in recorded}  # as sets of rows
        if len(different) < LEAST_BATCHES:
            raise NotApplicable("training uses one batch of all rows, or few batches were recorded")
        values = [inputs.reshape(len(inputs), -1).double().cpu().numpy() for inputs in different.values()]
        values = [batch for batch in values if np.isfinite(batch).all()]
        if not values:
            raise NotChecked("the inputs are not finite")
        if all(rows_are_centred(batch) for batch in values):
            raise NotApplicable("every row is centred on its own")
        share = batch_centring(values)
        if share <= SHARE:
            return
        yield self.fault(
            f"{share:.0%} of {len(values)} batches have a mean of exactly zero: each batch is normalized with its own "
            f"statistics (expected about 0%): compute mean and standard deviation once, over the training set",
            where=_place(case),
            evidence=(Evidence("batches with mean zero", share, "about 0"),),
            remedy="compute mean and standard deviation once, over the training set, and apply them everywhere",
            explains=(
                "validation-own-statistics",
                "leaked-statistics",
                "R21",
                "R32",
                "train-validation-recipe-mismatch",
            ),
            exact=True,
        )


def _place(case: Case) -> Place | None:
    wanted = calls("mean", "std", "var", "normalize", "fit_transform")
    if case.data is None:
        record = loader_of(case)
        collate = getattr(record.loader, "collate_fn", None) if record is not None else None
        collated = function_place(collate, wanted)
        return collated if line_fits(collated, wanted) else line_behind(model_place(case), wanted)
    return function_place(getattr(case.loaders[0].loader, "collate_fn", None), wanted) or data_place(case)
