"""Categories that are numbered and used as numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.samples import class_labels, regression_values, rows
from paramedic.checks.finding import Evidence, Finding

LEAST_CODES, MOST_CODES = 4, 50
LEAST_OF_CODE = 5  # rows
P = 1e-4
GAIN = 0.05  # of the target's variance that the codes explain beyond a straight line in the number
LEAST_ROWS = 100
SHOWN = 4
ONE_SCALE = 8  # columns with the same lowest and highest number are counts, pixels or answers on a scale, not names


class IntegerCodedCategories(Check):
    """A column of whole numbers says more about the target as categories than as a number.

    What it measures: for columns with 4 to 50 different whole numbers, the variance of the target that the means of
    the single codes explain beyond a straight line in the code (F-test of the lack of fit).
    Why it matters: as a number, code 3 lies between 2 and 4; a linear layer cannot undo that.
    Fix: one-hot encode the column, or give it an embedding.
    Not a fault when: many columns have one and the same scale (pixels, counts, answers from 1 to 5), which is left
    alone; the column is a quantity whose effect is curved (age, hour of the day): hence a note.
    References: the article's reason 12; any text on dummy variables.
    """

    reason = "R12"
    name = "integer-coded-categories"
    needs = ("data",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found = rows(case)
        split = found.split
        assert split is not None
        labels, values = class_labels(found.target, None), regression_values(found.target)
        if found.inputs.dim() != 2 or (labels is None and values is None) or len(found.inputs) < LEAST_ROWS:
            raise NotApplicable("the rows are no table with targets, or fewer than 100")
        given = labels if values is None else values
        assert given is not None
        targets = given[:, None] if values is not None else (given[:, None] == np.unique(given)[None, :]).astype(float)
        inputs = found.inputs.double().numpy()
        width = split.numbers if split.columns else inputs.shape[1]
        hits = []
        for column in range(width):
            gain, p = beyond_a_line(inputs[:, column], targets)
            if p * max(1, width) < P and gain > GAIN:
                hits.append((gain, p, column))
        scales = Counter((float(inputs[:, column].min()), float(inputs[:, column].max())) for _, _, column in hits)
        if scales and scales.most_common(1)[0][1] >= ONE_SCALE:
            raise NotApplicable("many columns have one scale: they are quantities (pixels, counts, answers)")
        if not hits:
            return
        hits.sort(reverse=True)
        names = [split.columns[column] if split.columns else f"column {column}" for _, _, column in hits]
        yield self.note(
            f"{_columns(len(hits))} like categories ({', '.join(names[:SHOWN])}): the codes explain {hits[0][0]:.0%} more of "
            f"the target than a straight line in the number does (p = {hits[0][1]:.1g}): encode them one-hot",
            where=data_place(case),
            evidence=(Evidence("variance explained beyond a line", hits[0][0], f"< {GAIN}"),),
            remedy="one-hot encode these columns, or give them an embedding, if their numbers are mere names",
        )


def _columns(count: int) -> str:
    return "one column of whole numbers looks" if count == 1 else f"{count} columns of whole numbers look"


def beyond_a_line(codes: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[float, float]:
    """Largest share of variance of the (n, k) targets that the codes' means explain beyond a line, and its p."""
    if not np.isfinite(codes).all() or (codes != np.round(codes)).any():
        return 0.0, 1.0
    names, place, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if not LEAST_CODES <= len(names) <= MOST_CODES or counts.min() < LEAST_OF_CODE:
        return 0.0, 1.0
    centred = targets - targets.mean(axis=0)
    total = (centred**2).sum(axis=0) + 1e-300
    means = np.stack([np.bincount(place, weights=column) for column in centred.T], axis=1) / counts[:, None]
    between = (counts[:, None] * means**2).sum(axis=0) / total
    line = codes - codes.mean()
    linear = (line @ centred) ** 2 / (line @ line) / total
    freedom = len(names) - 2, len(codes) - len(names)
    ratio = ((between - linear) / freedom[0]) / (np.maximum(1 - between, 1e-12) / freedom[1])
    best = int(np.argmax(between - linear))
    return float((between - linear)[best]), float(min(1.0, targets.shape[1] * stats.f.sf(ratio[best], *freedom)))
