"""Metrics that get predictions for targets, or decisions for scores."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.metric_arguments import Misused, misused_metrics
from paramedic.measurements.source import parsed
from paramedic.trace.place import Place


class MetricArguments(Check):
    """A metric is given its arguments in the wrong order, or decisions where it ranks scores.

    What it measures: from the line in which the network was called in evaluation, which names of the source hold its
    predictions, and which of these have gone through a threshold or an argmax; and what metrics whose arguments have an
    order are called with.
    Why it matters: R^2 divided by the variance of the predictions, or precision for recall, is another number; the area under a
    curve of one threshold says nothing of the others.
    Fix: targets first, predictions second; scores or probabilities for curves and the areas under them.
    Not a fault when: never, for these metrics.
    References: the article's reason 21; scikit-learn's user guide, "Metrics and scoring".
    """

    reason = "R21"
    name = "metric-arguments"
    needs = ("evaluation",)

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[tuple[str, int]] = set()
        for record in case.setup.evaluations:
            place = record.place
            tree = parsed(place.file) if place is not None else None
            if tree is None or place is None:
                continue
            for found in misused_metrics(tree, place.line):
                if (place.file, found.line) not in seen:
                    seen.add((place.file, found.line))
                    yield self._finding_of(found, Place(place.file, found.line, place.function))
        if not case.setup.evaluations:
            raise NotApplicable("no evaluation was seen")

    def _finding_of(self, found: Misused, place: Place) -> Finding:
        if found.why == "swapped":
            return self.fault(
                f"{found.metric} is given predictions first and targets second (expected: targets first): the number is "
                f"that of another question",
                where=place,
                evidence=(Evidence("first argument", "predictions", "targets"),),
                remedy=f"{found.metric}(targets, predictions)",
                exact=True,
            )
        return self.fault(
            f"{found.metric} is given decisions (made in line {found.decided}) where it ranks scores: the curve has a single "
            f"threshold (expected: scores or probabilities)",
            where=place,
            evidence=(Evidence("second argument", "decisions", "scores or probabilities"),),
            remedy=f"give {found.metric} the scores from before line {found.decided}",
            exact=True,
        )
