"""Classes of very different size."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.samples import class_labels, rows
from paramedic.checks.finding import Evidence, Finding

RATIO = 10.0  # of 60 networks with a ratio of 10, most recognized the minority: a note, never an alarm (2026-11)


class ImbalancedClasses(Check):
    """The commonest class has many times the rows of the rarest.

    What it measures: the rows of every class, over all rows.
    Why it matters: plain accuracy looks good for a network that ignores the rare classes; whether it does is seen in
    training only (`minority-class-ignored`).
    Fix: report balanced accuracy; weight the loss, or sample classes evenly, if the rare classes are ignored.
    Not a fault when: the classes are like this in the field and the rare ones are learned.
    References: the article's reason 8; He and Garcia, "Learning from imbalanced data", 2009.
    """

    reason = "R08"
    name = "imbalanced-classes"
    needs = ("data",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found = rows(case)
        if class_labels(found.target, None) is None or found.split is None:
            raise NotApplicable("the targets are no class labels")
        counts = found.split.summary.labels
        if len(counts) < 2:
            raise NotApplicable("there is one class only")
        (_, most), (_, least) = counts.most_common(1)[0], counts.most_common()[-1]
        if most < RATIO * least:
            return
        yield self.note(
            f"the largest of {len(counts)} classes has {most} rows, the smallest {least} (ratio {most / least:.0f}): answering "
            f"the largest alone is {most / sum(counts.values()):.0%} accurate: report balanced accuracy",
            where=data_place(case),
            evidence=(Evidence("rows of the largest class", most), Evidence("rows of the smallest class", least)),
            remedy="report balanced accuracy; class weights or a WeightedRandomSampler if rare classes are ignored",
        )
