"""Class numbers that do not start at zero, or skip some."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.samples import class_labels, rows
from paramedic.checks.finding import Evidence, Finding

SHOWN = 8


class LabelsNotFromZero(Check):
    """Labels are numbered from 1, or leave numbers out.

    What it measures: the smallest and largest class number and how many different ones there are, over all rows.
    Why it matters: with C outputs, cross-entropy takes labels 0 to C - 1. Labels 1 to C stop the program, or leave
    output 0 without a single example.
    Fix: subtract the smallest label, or map the labels to 0 to C - 1.
    Not a fault when: the loss is meant for such labels (-1 and 1 for a hinge loss), or the program maps them.
    References: the article's reasons 4 and 19; torch.nn.CrossEntropyLoss.
    """

    reason = "R19"
    name = "labels-not-from-zero"
    also = ("S4", "R04")
    needs = ("data",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found = rows(case)
        labels = class_labels(found.target, None)
        assert found.split is not None
        if labels is None or (found.split.classes and not found.split.coded):
            raise NotApplicable("the targets are no class numbers")
        present = np.unique(labels)
        low, high = int(present[0]), int(present[-1])
        if low == 0 and high == len(present) - 1:
            return
        absent = [number for number in range(max(0, low), high) if number not in set(present.tolist())]
        evidence = (
            Evidence("labels", f"{low} to {high}", f"0 to {len(present) - 1}"),
            Evidence("different labels", len(present)),
        )
        if low == 1 and not absent:
            say = self.note if found.split.kind == "table" else self.suspect
            yield say(
                f"labels run from 1 to {high} (expected 0 to {high - 1}): subtract 1 before they enter the loss",
                where=data_place(case),
                evidence=evidence,
                remedy="subtract 1 from the labels, or the network needs an output that is never used",
            )
        elif low < 0:
            yield self.note(
                f"labels run from {low} to {high} (cross_entropy expects 0 to {len(present) - 1})",
                where=data_place(case),
                evidence=evidence,
                remedy=f"map the {len(present)} labels to 0 to {len(present) - 1}, unless the loss is meant for them",
            )
        else:
            missing = absent if low == 0 else [*range(low), *absent]
            yield self.note(
                f"{len(missing)} of {high + 1} class numbers have no row ({', '.join(map(str, missing[:SHOWN]))}): map the "
                f"labels to 0 to {len(present) - 1}, or look for rows that were lost",
                where=data_place(case),
                evidence=evidence,
                remedy="map the labels to consecutive numbers, or look for the rows of the absent classes",
            )
