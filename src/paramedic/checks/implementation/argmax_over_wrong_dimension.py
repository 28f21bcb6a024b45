"""Predicted classes taken over samples in the place of classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.evaluation_operations import (
    class_axis_of,
    class_counts,
    computed_from_network,
    evaluations,
    outside_network,
)
from paramedic.experiments.operations import Operation, Operations
from paramedic.measurements.loss import is_class_index

CHOICES = frozenset({"argmax", "max", "topk"})
COMPARISONS = frozenset({"eq", "__eq__", "ne", "__ne__"})


class ArgmaxOverWrongDimension(Check):
    """The metric takes the argmax over another dimension than the classes.

    What it measures: the dimension of argmax (or max, topk) on the network's class scores in evaluation, against the
    dimension that has as many elements as there are classes, or the one that the labels it is compared with leave.
    Why it matters: the network may be right and the reported accuracy is chance; early stopping and model selection
    then follow noise.
    Fix: argmax(dim=1) for (batch, classes), argmax(dim=-1) for (batch, time, classes).
    Not a fault when: the best sample of each class is wanted (retrieval); its result is not compared with labels.
    References: the article's reason 21; torch.argmax.
    """

    reason = "R21"
    name = "argmax-over-wrong-dimension"
    needs = ("evaluation", "replay")
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        counts = class_counts(case)
        if not counts:
            raise NotApplicable("no loss over classes in this program")
        looked, seen = False, set[str]()
        for operations in evaluations(case):
            computed = computed_from_network(operations)
            for call in operations.calls:
                if call.name not in CHOICES or not call.inputs or not outside_network(call):
                    continue
                if id(call.inputs[0]) not in computed:
                    continue
                looked = True
                found = self._wrong(operations, call, counts)
                if found is not None and str(call.place) not in seen:
                    seen.add(str(call.place))
                    yield self._finding_of(call, *found)
        if not looked:
            raise NotApplicable("no argmax over the network's outputs in evaluation")

    def _wrong(self, operations: Operations, call: Operation, counts: set[int]) -> tuple[int | None, int] | None:
        """The dimension that was used and that of the classes, if they differ and labels are compared with it."""
        scores = call.inputs[0]
        labels = _compared_with(operations, call)
        if labels is None:
            return None
        axis = class_axis_of(scores, counts)
        if axis is None and is_class_index(labels):
            axis = _exact_axis(operations, scores, counts)
        dim = chosen_dimension(call)
        if axis is None and dim is None and call.name != "topk" and labels.numel() > 1:
            axis = scores.dim() - 1  # one number for all samples; which dimension holds the classes does not matter
        if axis is None or dim == axis:
            return None
        if dim is None and scores.dim() == 1:
            return None  # one sample: argmax over everything is right
        others = [size for number, size in enumerate(scores.shape) if number != axis]
        if dim is None and all(size == 1 for size in others):
            return None
        return dim, axis

    def _finding_of(self, call: Operation, dim: int | None, axis: int) -> Finding:
        shape = tuple(call.inputs[0].shape)
        used = "all dimensions at once" if dim is None else f"dimension {dim}"
        return self.fault(
            f"{call.name} of the network's outputs {shape} runs over {used}; the {shape[axis]} classes are dimension "
            f"{axis}: the metric compares labels with something else than predictions",
            where=call.place,
            evidence=(
                Evidence("dimension", "all" if dim is None else dim, str(axis)),
                Evidence("shape of the outputs", str(shape)),
            ),
            remedy=f"{call.name}(dim={axis})",
            explains=("R31", "R30", "R08", "R32"),
            exact=True,
        )


def chosen_dimension(call: Operation) -> int | None:
    """The dimension of an argmax, max or topk (non-negative); None for all of them at once."""
    dims = call.inputs[0].dim()
    dim: Any = call.kwargs.get("dim", call.kwargs.get("axis"))
    position = 2 if call.name == "topk" else 1
    if dim is None and len(call.args) > position:
        dim = call.args[position]
    if dim is None and call.name == "topk":
        dim = -1
    if not isinstance(dim, int) or isinstance(dim, bool):
        return None
    return dim % dims if dims else None


def _compared_with(operations: Operations, call: Operation) -> Tensor | None:
    """The labels that the chosen classes are compared with, later in the same batch."""
    known = {id(item) for item in call.outputs if not item.is_floating_point()}
    after = operations.calls[operations.calls.index(call) + 1 :]
    for other in after:
        mine = [item for item in other.inputs if id(item) in known]
        if not mine:
            continue
        if other.name in COMPARISONS:
            labels = [item for item in other.inputs if id(item) not in known and not item.is_floating_point()]
            return labels[0] if labels else None
        known.update(id(item) for item in other.outputs if not item.is_floating_point())
    return None


def _exact_axis(operations: Operations, scores: Tensor, counts: set[int]) -> int | None:
    """The dimension of the classes where two have as many elements: the one that a linear layer made, the last."""
    maker = next((item for item in operations.calls if any(out is scores for out in item.outputs)), None)
    if maker is not None and maker.name == "linear" and scores.shape[-1] in counts:
        return scores.dim() - 1
    return None


