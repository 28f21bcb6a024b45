"""A metric of one batch that is reported as that of all."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.metric_divided_by_wrong_count import loops_of_evaluations
from paramedic.measurements.metric_source import last_batches
from paramedic.trace.place import Place

LEAST_BATCHES = 2


class MetricOverTheLastBatchOnly(Check):
    """What is reported after the evaluation loop was computed from its last batch.

    What it measures: in the source of the loop in which evaluation of several batches was seen: names that each batch
    assigns anew, that are collected nowhere, and that are divided or reduced to a number after the loop.
    Why it matters: the number is that of a few samples, often a smaller last batch: it is noisy, and a count divided
    by the whole split is far too small.
    Fix: add up over the batches (correct += ...), or collect the values in a list.
    Not a fault when: the loop ends after one batch on purpose.
    References: the article's reason 21.
    """

    reason = "R21"
    name = "metric-over-the-last-batch-only"
    needs = ("evaluation",)

    def examine(self, case: Case) -> Iterator[Finding]:
        looked, seen = False, set[int]()
        for tree, loop, place, batches in loops_of_evaluations(case):
            if batches < LEAST_BATCHES:
                continue
            looked = True
            for found in last_batches(tree, loop):
                if found.line in seen:
                    continue
                seen.add(found.line)
                yield self.fault(
                    f"{found.name} is assigned anew by each of at least {batches} batches and read after the loop (line "
                    f"{found.line}): the metric is that of the last batch only; add it up",
                    where=Place(place.file, found.read, place.function),
                    evidence=(Evidence("batches that count", 1, f"at least {batches}"),),
                    remedy=f"add {found.name} up over the batches, or collect it in a list",
                    explains=("R31", "R30", "R09", "metric-divided-by-wrong-count"),
                    exact=True,
                )
        if not looked:
            raise NotApplicable("no evaluation loop over several batches was seen")
