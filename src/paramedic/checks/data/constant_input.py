"""Inputs that are all zero, all the same, or blank in part."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.pixels import scrambled
from paramedic.checks.data.places import calls, line_behind, operator, row_place
from paramedic.checks.data.samples import Rows, batches, is_numeric, loader_of, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.values import value_facts
from paramedic.measurements.source import parsed, quotients_cast_to_integers
from paramedic.trace.place import Place

BLANK_SHARE = (
    0.005  # of the rows; calibrated on 110 healthy loaders of 22 data sets (none reached it), 2026-11
)
BLANK_ROWS = 3
LEAST_WIDTH = 4  # narrower rows are constant by chance
CHANCE_ROWS = 0.05  # expected number of blank rows by chance up to which blank rows are remarkable
LEAST_ROWS = 8
LEAST_PICTURE = 16  # entries of a row from which on it holds shades, not flags
ONE_STEP = 0.02  # two values so close are neighbouring 8-bit shades, even after a division by a deviation of 0.2
BLANKING = operator(ast.FloorDiv), calls("astype", "byte", "int"), calls("zeros", "zeros_like", "empty")


class ConstantInput(Check):
    """The network gets inputs that say nothing: zeros, the same row again and again, or blank rows.

    What it measures: whether all entries are zero, whether all rows are equal, whether there are only two values a
    hair apart (a picture cast to integers after it was divided by 255), or only two where the source casts a quotient to
    integers; and the share of rows whose entries are all one value.
    Why it matters: from such rows only the commonest target can be learned.
    Fix: print the batch in front of the model; follow it back through the transforms to the file.
    Not a fault when: blank rows are part of the task (empty patches of a map, silence); those with a target of their own
        are not reported.
    References: the article's reason 1 ("feed zeros by mistake").
    """

    reason = "R01"
    name = "constant-input"
    also = ("S4",)
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found = rows(case)
        facts = value_facts(_as_drawn(case, found))
        record = loader_of(case)
        where = row_place(record.dataset) if record is not None else None
        where = where or line_behind(data_place(case), *BLANKING)
        if facts.rows < 2:
            raise NotApplicable("training uses a single row")
        if facts.all_zero and facts.rows >= LEAST_ROWS:
            text = f"all {facts.rows} input rows are zero (expected varying values)"
            yield self._certain(text, _integer_line(where) or where)
        elif facts.equal_rows and _targets_differ(found.target):
            yield self._certain(
                f"all {facts.rows} input rows are the same although their targets differ (expected different rows)",
                where,
            )
        elif _two_shades(found.inputs):
            low, high = (float(value) for value in (found.inputs.min(), found.inputs.max()))
            yield self._certain(
                f"all entries of the {facts.rows} input rows are {low:.3g} or {high:.3g}, a step of {high - low:.2g} (expected "
                "many shades): they were rounded to integers while they were between 0 and 1",
                _integer_line(where) or where,
            )
        elif (truncated := _truncated_at(found.inputs, where)) is not None:
            yield self._truncated(found, truncated)
        else:
            yield from self._blank_rows(case, found, value_facts(found.inputs).constant_rows, where)

    def _certain(self, text: str, where: object) -> Finding:
        return self.fault(
            f"{text}: print a batch in front of the model and follow it back to its file",
            where=where,
            remedy="follow the batch back through the transforms: its values are overwritten, rounded or multiplied by 0",
            explains=("R02", "R05", "R04", "R35", "R33", "R17", "R12", "R15", "R06"),
            exact=True,
        )

    def _truncated(self, found: Rows, where: Place) -> Finding:
        low, high = float(found.inputs.min()), float(found.inputs.max())
        share = float((found.inputs == high).double().mean())
        return self.suspect(
            f"all entries of the {len(found.inputs)} input rows are {low:.3g} or {high:.3g} ({share:.1%} of them), and a "
            "quotient is cast to integers here: what lay between 0 and 1 became 0 (expected many shades)",
            where=where,
            evidence=(
                Evidence("different values in the input", 2, "many"),
                Evidence("share of the larger one", round(share, 4)),
            ),
            remedy="cast to a floating-point type, or keep the bytes and divide after the cast",
            explains=("R02", "R05", "R04", "R35", "R33", "R17", "R12", "R15", "R06", "R09"),
        )

    def _blank_rows(
        self, case: Case, found: Rows, blank: tuple[int, ...], where: object
    ) -> Iterator[Finding]:
        n = len(found.inputs)
        width = found.inputs[0].numel()
        share = len(blank) / n
        if (
            not is_numeric(found.inputs)
            or width < LEAST_WIDTH
            or share <= BLANK_SHARE
            or len(blank) < BLANK_ROWS
        ):
            return
        if share == 1.0 and width < 2 * LEAST_WIDTH:
            return
        if _blank_by_chance(found.inputs, blank) > CHANCE_ROWS or scrambled(case) is not None:
            return
        if _blank_is_meant(found.target, blank):
            return
        say = self.suspect if found.target is not None or case.data is not None else self.note  # none has a wrong answer
        yield say(
            f"{len(blank)} of {n} input rows ({share:.1%}) are blank, all entries equal (expected 0; first: "
            f"{', '.join(found.names(blank))}): look at how these rows are read",
            where=found.place(blank) or where,
            evidence=(Evidence("share of blank rows", share, f"<= {BLANK_SHARE}"),),
            remedy="look at how these rows are read or masked; repair or drop them",
            explains=("R05", "R06"),
            extra={"samples": ("train", tuple(blank))},
        )


def _as_drawn(case: Case, found: Rows) -> Tensor:
    """Recorded inputs with their repetitions, where rows were put together from them."""
    if found.source != "batches":
        return found.inputs
    return torch.cat(
        [batch.inputs.cpu() for batch in batches(case) if batch.inputs.shape[1:] == found.inputs.shape[1:]]
    )


def _two_shades(inputs: Tensor) -> bool:
    """Rows of a picture's size that know two values only, so close that they cannot be meant as no and yes."""
    if not is_numeric(inputs) or inputs[0].numel() < LEAST_PICTURE or len(inputs) < LEAST_ROWS:
        return False
    low, high = float(inputs.min()), float(inputs.max())
    return 0 < high - low < ONE_STEP and bool(((inputs == low) | (inputs == high)).all())


def _truncated_at(inputs: Tensor, where: Place | None) -> Place | None:
    """The line that makes integers of a quotient, where rows of a picture's size know two values only."""
    if where is None or not is_numeric(inputs) or inputs[0].numel() < LEAST_PICTURE or len(inputs) < LEAST_ROWS:
        return None
    low, high = inputs.min(), inputs.max()
    if not bool(low < high) or not bool(((inputs == low) | (inputs == high)).all()):
        return None
    return _integer_line(where)


def _integer_line(where: Place | None) -> Place | None:
    """The first line of the file that makes integers of a quotient."""
    tree = parsed(where.file) if where is not None else None
    lines = quotients_cast_to_integers(tree) if tree is not None else []
    return Place(where.file, lines[0], where.function) if where is not None and lines else None


def _targets_differ(target: Tensor | None) -> bool:
    return target is not None and len(torch.unique(target.reshape(len(target), -1), dim=0)) > 1


def _blank_is_meant(target: Tensor | None, blank: tuple[int, ...]) -> bool:
    """Whether blank rows have a target of their own, which no other row has: nothing to be seen is an answer too."""
    if target is None:
        return False
    flat = target.reshape(len(target), -1)
    carries = (flat == flat[blank[0]]).all(dim=1)
    return int(carries.sum()) == len(blank) < len(flat) and bool(carries[list(blank)].all())


def _blank_by_chance(inputs: Tensor, blank: tuple[int, ...]) -> float:
    """Expected number of rows with all entries at the commonest blank value, if the columns were independent.

    Over the other rows; the square root of the probability guards for correlation between columns.
    """
    flat = inputs.reshape(len(inputs), -1).double().numpy()
    values, counts = np.unique(flat[list(blank), 0], return_counts=True)
    value = values[counts.argmax()]
    others = np.delete(flat, list(blank), axis=0)
    if not len(others):
        return 0.0
    chance = (others == value).mean(axis=0)
    return float(len(flat) * np.exp(0.5 * np.log(np.maximum(chance, 1e-6)).sum()))
