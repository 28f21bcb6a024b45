"""A metric that is divided by something else than the number of samples it was added up over."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.metric_source import evaluation_loops, wrong_counts
from paramedic.measurements.source import parsed
from paramedic.trace.place import Place

EXPECTED = {"batches": "the number of samples", "another split": "the length of the split that was evaluated"}


def loops_of_evaluations(case: Case) -> Iterator[tuple[ast.Module, ast.For, Place, int]]:
    """The loops in which the program evaluates: syntax tree, loop, place, and most batches seen in one pass."""
    batches: dict[Place, dict[int, int]] = {}
    for record in case.setup.evaluations:
        if record.place is not None:
            counts = batches.setdefault(record.place, {})
            counts[record.pass_number] = counts.get(record.pass_number, 0) + 1
    for place, counts in batches.items():
        tree = parsed(place.file)
        for loop in evaluation_loops(tree, place.line) if tree is not None else ():
            yield tree, loop, place, max(counts.values())  # type: ignore[misc]


class MetricDividedByWrongCount(Check):
    """A sum over samples is divided by the number of batches, or by the size of another split.

    What it measures: in the source of the loop in which evaluation was seen: names that add up a sum over the samples
    of each batch, and what they are divided by after the loop. Nothing is executed.
    Why it matters: the reported number is wrong by a constant factor while the network may be right; an accuracy above
    1, or one that can never reach it, hides progress.
    Fix: divide by the number of samples that were added up: len(loader.dataset), or a counter beside the sum.
    Not a fault when: means of batches are added up; dividing these by the number of batches is right.
    References: the article's reason 21.
    """

    reason = "R21"
    name = "metric-divided-by-wrong-count"
    needs = ("evaluation",)

    def examine(self, case: Case) -> Iterator[Finding]:
        looked, seen = False, set[int]()
        for tree, loop, place, _ in loops_of_evaluations(case):
            looked = True
            for found in wrong_counts(tree, loop):
                if found.line in seen:
                    continue
                seen.add(found.line)
                over = ast.unparse(loop.iter)
                meant = f"{over}.dataset" if isinstance(loop.iter, ast.Name | ast.Attribute) else "the evaluated rows"
                yield self.fault(
                    f"{found.total} adds up samples of {over} and is divided by {found.divisor} ({found.why}), expected "
                    f"{EXPECTED[found.why]}: divide by len({meant})",
                    where=Place(place.file, found.line, place.function),
                    evidence=(Evidence("divisor", found.divisor, EXPECTED[found.why]),),
                    remedy=f"divide by len({meant})",
                    explains=("R31", "R30"),
                    exact=True,
                )
        if not looked:
            raise NotApplicable("no evaluation loop over batches was seen")
