"""NaN or infinite values in the training inputs."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator

import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.places import calls, line_behind, operator
from paramedic.checks.data.samples import batches, table
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.values import value_facts

UNDEFINED = calls(
    "log", "log2", "log10", "sqrt", "rsqrt", "arccos", "acos", "arcsin", "asin", "logit", "reciprocal"
)


class NonFiniteInput(Check):
    """Inputs contain NaN or infinity.

    What it measures: every entry of the recorded batches and of a sample of the dataset.
    Why it matters: one NaN makes the loss NaN, and after one step every weight.
    Fix: repair or drop the rows (a division by a zero standard deviation, a failed parse, a missing value).
    Not a fault when: the model masks them; then the loss stays finite, and this is a note.
    References: the article's reason 1 and its step "check the input data".
    """

    reason = "R01"
    name = "non-finite-input"
    also = ("S4",)
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if case.data is not None:
            yield from self._in_data(case)
            return
        recorded = batches(case)
        if not recorded:
            raise NotApplicable("no training batch was recorded")
        drawn = table(case)
        everything = [batch.inputs for batch in recorded] + ([drawn.inputs] if drawn is not None else [])
        if not any(inputs.is_floating_point() for inputs in everything):
            raise NotApplicable("the inputs are integers")
        facts = [value_facts(inputs) for inputs in everything]
        worst = max(facts, key=lambda item: len(item.nonfinite_rows) / max(1, item.rows))
        if not worst.nonfinite:
            return
        losses = [record.loss for record in case.setup.backwards()]
        survived = all(math.isfinite(loss) for loss in losses) and _weights_are_finite(case)
        from_table = drawn is not None and worst is facts[-1]
        rows = [
            int(drawn.index[row]) if from_table and drawn is not None else row
            for row in worst.nonfinite_rows[:5]
        ]
        say = self.note if survived else self.fault
        handled = "; the loss stays finite all the same" if survived else ""
        yield say(
            f"{worst.nonfinite} input values are NaN or infinite, in {len(worst.nonfinite_rows)} of {worst.rows} "
            f"{'rows of the data set' if from_table else 'rows of a batch'} (expected 0; first: "
            f"{', '.join(map(str, rows))}){handled}: repair or drop these rows",
            where=line_behind(data_place(case), UNDEFINED, operator(ast.Div)),
            evidence=(Evidence("non-finite input values", worst.nonfinite, "0"),),
            remedy="find where they arise (division by zero, missing values) and repair or drop these rows",
            explains=("R37", "R35", "R33", "R36", "R02", "R17"),
            exact=not survived,
        )

    def _in_data(self, case: Case) -> Iterator[Finding]:
        """Every row of a data set was looked at. Empty cells of a table are for its reader to fill in or drop."""
        for role in ("train", "validation"):
            split = case.data.split(role) if case.data is not None else None
            if split is None or not split.summary.nonfinite:
                continue
            summary = split.summary
            by_column = ""
            if split.columns and summary.nonfinite_by_feature is not None:
                counts = summary.nonfinite_by_feature
                worst = [int(column) for column in (-counts).argsort()[:3] if counts[column]]
                by_column = "; columns: " + ", ".join(f"{split.columns[column]} ({counts[column]})" for column in worst)
            say = self.suspect if split.kind == "table" else self.fault
            where = split.place_of(summary.nonfinite_at[0])
            named = ", ".join(split.name_of(row) for row in summary.nonfinite_at[:5])
            yield say(
                f"{summary.nonfinite} input values are missing, NaN or infinite, in {summary.nonfinite_rows} of "
                f"{summary.rows} rows of {split.name} (expected 0; first: {named}{by_column}): repair or drop these rows",
                where=where or data_place(case),
                evidence=(
                    Evidence("non-finite input values", summary.nonfinite, "0"),
                    Evidence("rows", named),
                ),
                remedy="fill in or drop the missing values before training: one NaN makes every weight NaN",
                explains=("train-validation-recipe-mismatch",),
                exact=split.kind != "table",
            )


def _weights_are_finite(case: Case) -> bool:
    return all(
        bool(torch.isfinite(parameter).all())
        for record in case.setup.models
        for parameter in record.module.parameters()
    )
