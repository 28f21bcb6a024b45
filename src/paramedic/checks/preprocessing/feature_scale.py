"""Inputs far from mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.samples import batches, is_numeric, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.layers import first_layer
from paramedic.measurements.data.recipe import feature_ranges

DEVIATION = (
    1.0  # decades; above it 69 % of the harmed runs, and 31 % of the unharmed ones: a note, never an alarm
)
LEAST_ROWS = 30


class FeatureScale(Check):
    """Input features are far from mean 0 and standard deviation 1.

    What it measures: the root mean square of the inputs, the mean of the features over their standard deviation, and
    how much the standard deviations differ, all in decades.
    Why it matters: gradient descent crawls along badly scaled directions; how much depends on the optimizer.
    Fix: subtract the training mean and divide by the training standard deviation.
    Not a fault when: the first layer normalizes; the numbers alone prove nothing (an experiment does).
    References: the article's reason 12; LeCun et al., "Efficient BackProp", 1998.
    """

    reason = "R12"
    name = "feature-scale"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found = rows(case)
        if not is_numeric(found.inputs):
            raise NotApplicable("the inputs are tokens")
        layer = first_layer(batches(case)[0].module) if batches(case) else None
        if layer is not None and "Norm" in type(layer).__name__:
            raise NotApplicable("the first layer normalizes its input")
        if len(found.inputs) < LEAST_ROWS:
            raise NotChecked(f"only {len(found.inputs)} rows are at hand")
        if not bool(torch.isfinite(found.inputs).all()):
            raise NotChecked("the inputs are not finite")
        values = found.inputs.reshape(len(found.inputs), -1).double().numpy()
        if found.split is not None and found.split.columns:
            if not found.split.numbers:
                raise NotApplicable("the columns hold categories")
            values = values[:, : found.split.numbers]
        ranges = feature_ranges(values)
        if ranges.deviation <= DEVIATION or not np.isfinite(ranges.deviation):
            return
        yield self.note(
            f"inputs are not standardized: values from {ranges.low:.3g} to {ranges.high:.3g}, root mean square "
            f"{ranges.rms:.3g} (expected about 1), |mean| / sd of the features {ranges.offset:.2g} (0), their sds differ "
            f"by {ranges.spread:.1f} decades (0): subtract the training mean, divide by the training sd",
            where=data_place(case),
            evidence=(
                Evidence("root mean square", ranges.rms, "about 1"),
                Evidence("|mean| / sd, median over features", ranges.offset, "about 0"),
                Evidence("spread of the features' sds", ranges.spread, "about 0", "decades"),
                Evidence("constant features", ranges.dead, "0"),
            ),
            remedy="subtract the training mean of each feature and divide by its training standard deviation",
        )
