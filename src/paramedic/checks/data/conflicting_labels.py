"""Equal inputs with different labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import target_place
from paramedic.checks.data.samples import class_labels, one_input, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.label_noise import chance_equal_rows, exact_conflicts

CHANCE_PAIRS = 1e-3
CONFLICT_SHARE = 0.01  # of all rows: below it a note
COLLISION_ROWS = 500


class ConflictingLabels(Check):
    """Rows with exactly the same input carry different labels.

    What it measures: groups of rows with equal inputs, by hash; the rows whose label is not the commonest of their
    group, which is a lower bound on the number of wrong labels. Inputs so poor in detail that rows are equal by
    chance are left out.
    Why it matters: no network can be right on them.
    Fix: look at the rows; keep one label, or drop them.
    Not a fault when: one input has several labels by the nature of the task.
    References: the article's reason 6.
    """

    reason = "R06"
    name = "conflicting-labels"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if not one_input(case):
            raise NotApplicable("a row consists of more than one input")
        found = rows(case)
        labels = class_labels(found.target, found.loss)
        if labels is None:
            raise NotApplicable("the targets are no class labels")
        conflicts = exact_conflicts(found.hashes, labels)
        if not conflicts.groups:
            return
        flat = found.inputs.reshape(len(found.inputs), -1).double().numpy()
        sample = flat[np.random.default_rng(0).permutation(len(flat))[:COLLISION_ROWS]]
        if chance_equal_rows(sample) * (len(flat) / len(sample)) ** 2 > CHANCE_PAIRS:
            raise NotApplicable("the inputs have so little detail that rows are equal by chance")
        share = conflicts.minority / len(flat)
        named = found.names(conflicts.example, most=8)
        say = self.suspect if share > CONFLICT_SHARE else self.note
        yield say(
            f"{conflicts.groups} groups of equal inputs carry different labels: at least {conflicts.minority} of "
            f"{len(flat)} labels ({share:.1%}) are wrong (expected 0; for example {', '.join(named)})",
            where=found.place(conflicts.example) or target_place(case),
            evidence=(Evidence("labels in conflict", conflicts.minority, "0"), Evidence("rows", ", ".join(named))),
            remedy="keep one label for each input, or drop these rows",
            explains=("R05",),
            extra={"samples": ("train", conflicts.example)},
        )
