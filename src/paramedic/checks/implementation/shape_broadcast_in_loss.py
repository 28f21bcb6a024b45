"""Outputs and targets of different shapes in a loss."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import faithful_tail, loss_indices
from paramedic.experiments.operations import LOSS_FUNCTIONS, Operation, Operations

ELEMENTWISE_LOSSES = frozenset(
    {"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss", "gaussian_nll_loss", "kl_div",
     "soft_margin_loss", "hinge_embedding_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
)
ELEMENTWISE = frozenset(
    {"sub", "__sub__", "__rsub__", "rsub", "subtract", "mul", "__mul__", "__rmul__", "multiply", "div", "__truediv__",
     "__rtruediv__", "true_divide", "add", "__add__", "__radd__", "pow", "__pow__", "minimum", "maximum", "where",
     "xlogy", "eq", "__eq__", "lt", "gt", "le", "ge"}
)
EXPLICIT = frozenset({"unsqueeze", "__getitem__", "expand", "expand_as", "repeat", "view", "reshape"})
EXPLAINS = ("R18", "R04", "R31", "R36", "R24", "R17", "R35", "R28", "R30", "S5", "R02", "R33", "R05", "R06", "R32",
            "custom-loss-wrong-minimum", "custom-loss-ignores-target")


class ShapeBroadcastInLoss(Check):
    """Outputs and targets of different shapes are broadcast against each other in the loss.

    What it measures: the shapes of both sides of every elementwise operation and loss function on the way from the
    last layer to the loss: as many elements on both sides, and a larger result.
    Why it matters: (B, 1) against (B,) compares every output with every target; the best the network can do is to
    give the mean target to all samples.
    Fix: give both the same shape: squeeze(-1) the output or unsqueeze(-1) the target.
    Not a fault when: all pairs are wanted; then write the dimensions out (x[:, None] - y[None, :]).
    References: the article's reasons 18 and 19.
    """

    reason = "R19"
    name = "shape-broadcast-in-loss"
    also = ("R18",)
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        for index in loss_indices(case.lab):
            operations = case.lab.operations(index)
            tail = faithful_tail(case.lab, index)
            calls = tail.calls if tail is not None else operations.on_path()
            for call in calls:
                sides = broadcast(call)
                if sides is None or str(call.place) in seen:
                    continue
                if call.name not in LOSS_FUNCTIONS and _deliberate(operations, call, sides):
                    continue
                seen.add(str(call.place))
                yield self._finding_of(call, *sides)

    def _finding_of(self, call: Operation, one: Tensor, other: Tensor) -> Finding:
        left, right = tuple(one.shape), tuple(other.shape)
        result = tuple(torch.broadcast_shapes(left, right))
        return self.fault(
            f"{call.name} of shapes {left} and {right} is broadcast to {result}: every output is compared with every "
            f"target ({_pairs(result)} pairs, expected {one.numel()}); give both the same shape",
            where=call.place,
            module=call.module_path,
            evidence=(
                Evidence("shapes", f"{left} and {right}", "equal"),
                Evidence("elements compared", _pairs(result), str(one.numel())),
            ),
            remedy="squeeze(-1) the one that has a dimension of size 1, or unsqueeze(-1) the other",
            explains=EXPLAINS,
            exact=True,
        )


def _pairs(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())


def broadcast(call: Operation) -> tuple[Tensor, Tensor] | None:
    """The two sides of an elementwise operation, if they have equally many elements and broadcast to more.

    Of library losses, also sides of different numbers of elements whose result is larger than both.
    """
    library = call.name in ELEMENTWISE_LOSSES
    if not library and call.name not in ELEMENTWISE:
        return None
    sides = [item for item in (call.inputs[:2] if library else call.inputs) if item.dim() > 0 and item.numel() > 1]
    if len(sides) < 2:
        return None
    one, other = sides[0], sides[1]
    if one.shape == other.shape or (one.numel() != other.numel() and not library):
        return None
    if not library and one.dim() == other.dim():
        return None
    try:
        result = torch.broadcast_shapes(one.shape, other.shape)
    except RuntimeError:
        return None
    return (one, other) if result.numel() > max(one.numel(), other.numel()) else None


def _deliberate(operations: Operations, call: Operation, sides: tuple[Tensor, Tensor]) -> bool:
    """Whether a dimension was added in the same statement: x[:, None] - y."""
    makers = [
        item for item in operations.calls
        if item.place == call.place and item.name in EXPLICIT and any(out is side for out in item.outputs
                                                                      for side in sides)
    ]
    return any(
        item.inputs and max(out.dim() for out in item.outputs) > item.inputs[0].dim() for item in makers
    )
