"""Files and rows of a data set that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.trace.dataset import Problem
from paramedic.trace.place import Place

SHOWN = 5
WHAT = {
    "label column": ("the label column is not there", "name the column that holds the labels with --label"),
    "file": ("{n} files cannot be read", "delete or replace these files: a loader stops at the first of them"),
    "row": ("{n} rows cannot be used", "correct these rows, or leave them out"),
    "empty class": ("{n} class folders hold no picture", "fill or remove these folders: they count as classes"),
}


class UnreadableSamples(Check):
    """Files or rows that cannot be read, or do not fit the others.

    What it measures: every file is decoded and every row parsed; those that fail are named, counted and left out:
    truncated pictures, rows with another number of cells, texts where a column holds numbers, missing labels, class
    folders without a picture.
    Why it matters: training stops at such a file in the middle of an epoch, or a reader skips it without a word.
    Fix: repair or remove what is named.
    Not a fault when: never; these rows are of no use as they are.
    References: the article's reason 1 and its step "check the input data".
    """

    reason = "R01"
    name = "unreadable-samples"
    also = ("S4", "R03")
    needs = ("data",)

    def examine(self, case: Case) -> Iterator[Finding]:
        assert case.data is not None
        for kind, (what, act) in WHAT.items():
            found = [item for item in case.data.problems if item.kind == kind]
            if found:
                count = case.data.left_out[kind]
                yield self._finding_of(found, count, what.format(n=count), act)

    def _finding_of(self, found: list[Problem], count: int, what: str, act: str) -> Finding:
        first = found[0]
        named = "; ".join(f"{item.item}: {item.text}" for item in found[:SHOWN])
        more = f"; and {count - SHOWN} more" if count > SHOWN else ""
        file = first.item.split(", ")[0]
        return self.fault(
            f"{what} (expected 0): {named}{more}",
            where=Place(file, first.line) if first.kind != "label column" else None,
            evidence=(Evidence("left out", count, "0"),),
            remedy=act,
            exact=True,
        )
