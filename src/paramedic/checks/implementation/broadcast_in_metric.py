"""Predictions and labels of different shapes in a metric."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.evaluation_operations import (
    computed_from_network,
    evaluations,
    outside_network,
)
from paramedic.experiments.operations import Operation

COMPARISONS = frozenset(
    {"eq", "__eq__", "ne", "__ne__", "sub", "__sub__", "__rsub__", "rsub", "subtract", "mse_loss", "l1_loss",
     "smooth_l1_loss", "huber_loss", "logical_and", "__and__", "bitwise_and"}
)


class BroadcastInMetric(Check):
    """Predictions and labels of different shapes are broadcast against each other in a metric.

    What it measures: the shapes of both sides of comparisons and differences in evaluation: as many elements on both
    sides, another number of dimensions, and a larger result.
    Why it matters: (B, 1) against (B,) compares every prediction with every label: the metric says nothing about the
    network, and counts can exceed the number of samples.
    Fix: give both the same shape: squeeze(-1) the predictions or unsqueeze(-1) the labels.
    Not a fault when: all pairs are wanted; then write the dimensions out (x[:, None] - y[None, :]).
    References: the article's reason 21.
    """

    reason = "R21"
    name = "broadcast-in-metric"
    needs = ("evaluation", "replay")
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        looked, seen = False, set[str]()
        for operations in evaluations(case):
            computed = computed_from_network(operations)
            for call in operations.calls:
                if call.name not in COMPARISONS or not outside_network(call) or len(call.inputs) < 2:
                    continue
                one, other = call.inputs[:2]
                if (id(one) in computed) == (id(other) in computed):
                    continue
                looked = True
                if _all_pairs(one, other) and str(call.place) not in seen:
                    seen.add(str(call.place))
                    yield self._finding_of(call, one, other)
        if not looked:
            raise NotApplicable("no comparison of outputs with labels in evaluation")

    def _finding_of(self, call: Operation, one: Tensor, other: Tensor) -> Finding:
        left, right = tuple(one.shape), tuple(other.shape)
        result = torch.broadcast_shapes(left, right)
        return self.fault(
            f"{call.name} of shapes {left} and {right} in evaluation is broadcast to {tuple(result)}: "
            f"{result.numel()} pairs are compared, expected {one.numel()}",
            where=call.place,
            evidence=(
                Evidence("shapes", f"{left} and {right}", "equal"),
                Evidence("elements compared", result.numel(), str(one.numel())),
            ),
            remedy="squeeze(-1) the one that has a dimension of size 1, or unsqueeze(-1) the other",
            explains=("R31", "R30", "R08"),
            exact=True,
        )


def _all_pairs(one: Tensor, other: Tensor) -> bool:
    if one.numel() != other.numel() or one.numel() < 2 or one.dim() == other.dim() or not one.dim() * other.dim():
        return False
    try:
        return torch.broadcast_shapes(one.shape, other.shape).numel() > one.numel()
    except RuntimeError:
        return False
