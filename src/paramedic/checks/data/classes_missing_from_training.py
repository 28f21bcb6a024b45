"""Classes that only the validation rows have."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.samples import class_labels, rows
from paramedic.checks.finding import Evidence, Finding

P = 0.01  # that a random split puts all rows of one of the classes on the validation side
SHOWN = 5


class ClassesMissingFromTraining(Check):
    """Validation has classes of which training has no row.

    What it measures: the labels of all rows of both splits; and the probability that a random split would have put
    all rows of such a class on the validation side.
    Why it matters: the network cannot learn a class that it never sees.
    Fix: split at random within each class; do not split a sorted list in the middle.
    Not a fault when: recognizing unseen classes is the task (open-set, few-shot).
    References: the article's reasons 8 and 15.
    """

    reason = "R08"
    name = "classes-missing-from-training"
    also = ("R15",)
    needs = ("data", "validation rows")

    def examine(self, case: Case) -> Iterator[Finding]:
        train, validation = rows(case), rows(case, "validation")
        if class_labels(train.target, None) is None or train.split is None or validation.split is None:
            raise NotApplicable("the targets are no class labels")
        known, other = train.split.summary.labels, validation.split.summary.labels
        missing = {label: count for label, count in other.items() if label not in known}
        if not missing:
            return
        share = validation.split.total / (train.split.total + validation.split.total)
        p = min(1.0, len(set(known) | set(other)) * min(share**count for count in missing.values()))
        names = [self._name(train.split.classes, label) for label in sorted(missing, key=lambda item: -missing[item])]
        say = self.fault if p < P else self.note
        yield say(
            f"{len(missing)} of {len(other)} classes of the validation rows have no training row: "
            f"{', '.join(names[:SHOWN])} ({sum(missing.values())} validation rows; expected 0): split within each class",
            where=validation.split.place_of(int(validation.split.index[0])),
            evidence=(Evidence("classes without a training row", len(missing), "0"), Evidence("p", p, f"> {P}")),
            remedy="split at random within each class (stratify), and not by position in a sorted list",
            explains=("train-validation-recipe-mismatch",),
            exact=p < P,
        )

    def _name(self, classes: tuple[str, ...], label: float) -> str:
        return classes[int(label)] if 0 <= label < len(classes) else f"{label:g}"
