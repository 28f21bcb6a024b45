"""All rows of a batch are one and the same."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, Passed
from paramedic.checks.data.passes import data_place, loader_of, model_place
from paramedic.checks.data.places import calls, line_behind, row_place
from paramedic.checks.data.samples import Batch, batches
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.hashing import row_hashes
from paramedic.trace.place import Place

LEAST_BATCHES = 4
LEAST_ROWS = 4  # of a batch
LEAST_SHARE = 0.9  # of the batches


class SameRowInWholeBatch(Check):
    """Every row of a batch is a copy of one row, though their targets differ.

    What it measures: the hashes of the rows of each recorded batch, and of their targets.
    Why it matters: one row in a batch has its own target and all others have that of another row.
    Fix: append a copy of the buffer that each row is read into (``buffer.copy()``), not the buffer itself; make a new array
    for each row.
    Not a fault when: the same row comes in every step (a game's first state): then nothing is said.
    References: the article's reason 3; numpy.ndarray.copy.
    """

    reason = "R03"
    name = "same-row-in-whole-batch"
    also = ("R01", "R04", "S4")
    needs = ("rows",)
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        judged = [batch for batch in batches(case) if _has_several(batch)]
        if len(judged) < LEAST_BATCHES:
            raise NotApplicable("fewer than four batches with several different targets were recorded")
        different = [np.unique(row_hashes(batch.inputs)) for batch in judged]
        one = [keys[0] for keys in different if len(keys) == 1]
        if len(one) < LEAST_SHARE * len(judged) or len(np.unique(one)) < LEAST_BATCHES:
            raise Passed(f"{len(judged) - len(one)} of {len(judged)} batches have different rows")
        rows = len(judged[0].inputs)
        yield self.fault(
            f"all {rows} rows of a batch are one and the same, in {len(one)} of {len(judged)} recorded batches (expected 0), "
            f"and have different targets: one array is filled again for each row; append a copy of it",
            where=_place(case),
            evidence=(Evidence("batches whose rows are all equal", len(one), "0"), Evidence("batches looked at", len(judged))),
            remedy="append a copy of the array that each row is read into, or make a new one for each row",
            explains=(
                "R33", "R35", "R05", "R06", "R02", "R09", "R31", "R36", "R28", "R24", "R30", "S5", "S1", "A1", "R17", "R15",
                "labels-mispaired", "labels-unrelated", "repeated-rows", "incomplete-epoch",
            ),
            exact=True,
        )


def _has_several(batch: Batch) -> bool:
    """Whether there are rows enough, with different targets."""
    target = batch.target
    if target is None or len(batch.inputs) < LEAST_ROWS or len(target) != len(batch.inputs):
        return False
    return len(np.unique(row_hashes(target))) > 1


def _place(case: Case) -> Place | None:
    """Where a row is added to the others of its batch, or returned by the dataset."""
    record = loader_of(case)
    if record is not None:
        return row_place(record.dataset) or data_place(case)
    return line_behind(model_place(case), _adds, calls("stack"), in_functions=True)


def _adds(node: ast.AST) -> bool:
    """``rows.append(self.buffer)``: of what is named, and not of what a call makes."""
    return calls("append")(node) and all(isinstance(item, (ast.Name, ast.Attribute)) for item in node.args)  # type: ignore[attr-defined]
