"""A view that exchanges the sizes of two dimensions, and leaves the values where they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.samples import batches
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import assess
from paramedic.experiments.operations import Operation

VIEWS = frozenset({"view", "reshape", "_unsafe_view"})
LEAST_SIZE = 2  # of a dimension that counts
SHOWN = 3


class ViewInsteadOfTranspose(Check):
    """A view or reshape gives a tensor the shape that a transpose would, and mixes what its dimensions mean.

    What it measures: the shapes before and after each view of the recorded step. A view splits and merges neighbouring
    dimensions; where it gives (batch, length, heads, size) as (batch, heads, length, size), or (batch, length, heads * size) as
    that, a dimension stands in another place and no boundary between them is kept.
    Why it matters: no value moves in memory, so that a head gets pieces of several positions; no error is raised, for the
    shapes fit.
    Fix: split first, then ``transpose`` or ``permute``: ``x.view(b, l, h, d).transpose(1, 2)``.
    Not a fault when: the network learns all the same: then a note.
    References: the article's reason 25; torch.Tensor.view, torch.Tensor.transpose.
    """

    reason = "R25"
    name = "view-instead-of-transpose"
    also = ("R22",)
    needs = ("replay",)
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        views = [call for call in case.lab.operations(0).calls if call.name in VIEWS and call.inputs and call.outputs]
        if not views:
            raise NotApplicable("the recorded step has no view")
        # where lengths come first, (length, batch, heads * size) is rightly given as (length, batch * heads, size)
        rows = {size for batch in batches(case)[:1] for size in batch.inputs.shape[:1]}
        exchanged = [call for call in views if (size := _moved(call)) is not None and size not in rows]
        places = {call.place for call in exchanged if call.place is not None}
        if not places:
            return
        say = self.suspect if _failing(case) else self.note
        first = next(call for call in exchanged if call.place is not None)
        others = sorted(place.line for place in places - {first.place})[:SHOWN]
        also = f"; so in line {', '.join(map(str, others))}" if others else ""
        yield say(
            f"{first.name} gives {_shape(first.inputs[0].shape)} as {_shape(first.outputs[0].shape)}: a dimension of size "
            f"{_moved(first)} stands in another place, and no value is moved for it (expected: a transpose){also}",
            where=first.place,
            module=first.module_path,
            evidence=(Evidence("views that exchange dimensions", len(exchanged), "0"),),
            remedy="split the dimensions where they are, then transpose: x.view(b, l, h, d).transpose(1, 2)",
            explains=("R36", "R31", "R05", "R24", "R28", "R17", "S1", "S5", "R16", "R30", "R34", "R35"),
        )


def _failing(case: Case) -> bool:
    try:
        return assess(case).failing
    except (NotApplicable, NotChecked):
        return True


def exchanged_size(before: Sequence[int], after: Sequence[int]) -> int | None:
    """The size of a dimension of two shapes of one tensor that stands in another place, between boundaries that both have; the
    first dimension, the samples, has to be kept. None where there is none.
    """
    one = [size for size in before if size >= LEAST_SIZE]
    two = [size for size in after if size >= LEAST_SIZE]
    if len(one) < 2 or len(two) < 2 or one[0] != two[0]:
        return None
    return next((size for a, b in _stretches(one[1:], two[1:]) if (size := _crossed(a, b)) is not None), None)


def _stretches(one: list[int], two: list[int]) -> Iterator[tuple[list[int], list[int]]]:
    """Dimensions of both shapes between the boundaries that both have."""
    ends = [{math.prod(sizes[:end]) for end in range(len(sizes) + 1)} for sizes in (one, two)]
    common = sorted(ends[0] & ends[1])
    for low, high in zip(common, common[1:], strict=False):
        yield tuple(
            [size for end, size in enumerate(sizes) if low <= math.prod(sizes[:end]) < high] for sizes in (one, two)
        )  # type: ignore[misc]


def _crossed(one: list[int], two: list[int]) -> int | None:
    """The size of a dimension of both that is the first of one and not of the other; None where a stretch is split or merged
    alone."""
    if len(one) < 2 or len(two) < 2:
        return None
    if one[0] in two[1:] and one[0] != two[0]:
        return one[0]
    return two[0] if two[0] in one[1:] and one[0] != two[0] else None


def _moved(call: Operation) -> int | None:
    return exchanged_size(call.inputs[0].shape, call.outputs[0].shape)


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))})"
