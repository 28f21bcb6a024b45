"""What a program computes from its network's outputs in evaluation."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.implementation.loss_inputs import class_axis, loss_inputs
from paramedic.experiments.operations import Operation, Operations

MAX_EVALUATIONS = 6


def evaluations(case: Case) -> Iterator[Operations]:
    """The operations of the first recorded evaluation batches that can be run again."""
    for number in range(min(MAX_EVALUATIONS, len(case.setup.evaluations))):
        operations = case.lab.evaluation_operations(number)
        if operations.error is None:
            yield operations


def class_counts(case: Case) -> set[int]:
    """The numbers of classes that the losses of the program take."""
    counts = set()
    for item in loss_inputs(case):
        axis = class_axis(item.call)
        if axis is not None and item.call.input.shape[axis] > 1:
            counts.add(int(item.call.input.shape[axis]))
    return counts


def outside_network(call: Operation) -> bool:
    """Whether a call is made by the program itself and not inside of a module with parameters."""
    return call.module is None or not any(True for _ in call.module.parameters())


def computed_from_network(operations: Operations) -> set[int]:
    """Ids of all values that depend on a module call of the tape."""
    computed: set[int] = set()
    for call in operations.calls:
        inside = call.node is not None and call.node.module is not None
        if inside or any(id(item) in computed for item in call.inputs):
            computed.update(id(item) for item in call.outputs)
    return computed


def class_axis_of(scores: Tensor, counts: set[int]) -> int | None:
    """The only dimension of ``scores`` with as many elements as there are classes; None if it is not unique."""
    axes = [dim for dim, size in enumerate(scores.shape) if size in counts]
    return axes[0] if len(axes) == 1 else None
