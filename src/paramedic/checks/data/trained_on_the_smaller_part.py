"""Training rows and validation rows exchanged."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.places import split_parts
from paramedic.checks.data.samples import rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.preprocessing.split_rows import validation_inputs

EXCHANGED = 1.5  # validation rows for each training row: a split in halves is no exchange
MANY = 4.0  # the same, for a note where the program does not say which part was meant for training


class TrainedOnTheSmallerPart(Check):
    """The network trains on the part of the split that was meant for testing, which is the smaller one.

    What it measures: the number of training rows and of validation rows; and, in the source, which of the parts that
    scikit-learn's train_test_split returns (a training and a test part of each array, in this order) leads to the training
    batches. A fault where it is the test parts alone, and they are fewer; a note where there are four times as many
    validation rows and nothing else is known.
    Why it matters: the network learns from a part of the rows, and is compared with others that had all of them.
    Fix: X_train, X_test, y_train, y_test = train_test_split(X, y, ...).
    Not a fault when: few labels are the task (few-shot, active or semi-supervised learning).
    References: the article's reason 9; scikit-learn's documentation of train_test_split.
    """

    reason = "R09"
    name = "trained-on-the-smaller-part"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found, other = rows(case), validation_inputs(case)
        if other is None:
            raise NotApplicable("no validation pass on other than the training rows was recorded")
        if found.source == "batches" and case.data is None:
            raise NotChecked("how many training rows there are is not known")
        train, held = len(found.inputs), len(other)
        if held < EXCHANGED * train:
            raise Passed(f"{train} training rows, {held} validation rows")
        if not found.complete:
            raise NotChecked("there are more training rows than were read")
        evidence = (Evidence("training rows", train, f"> {held}"), Evidence("validation rows", held, f"< {train}"))
        parts = split_parts(data_place(case)) if case.data is None else None
        if parts is not None and parts.second and not parts.first:
            yield self.fault(
                f"the network trains on {train} rows, the test part of the split, and {held} rows are left for validation "
                f"(expected: the larger part for training): train_test_split returns the training part of each array first",
                where=parts.place,
                evidence=evidence,
                remedy="X_train, X_test, y_train, y_test = train_test_split(X, y, ...): exchange the names",
                explains=("too-few-examples", "R30", "R21", "train-validation-recipe-mismatch"),
                exact=True,
            )
        elif held >= MANY * train:
            yield self.note(
                f"there are {train} training rows and {held} validation rows, {held / train:.1f} times as many (expected: more "
                f"for training): were the parts of a split exchanged?",
                where=data_place(case),
                evidence=evidence,
                remedy="train on the larger part, unless few labels are the task",
            )
