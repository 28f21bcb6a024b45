"""Inputs of a network that leave its predictions and its loss as they are, while others do not."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.experiments.lab import Lab
from paramedic.experiments.operations import Operation, Operations, loss_calls
from paramedic.experiments.progress import measuring
from paramedic.trace.tape import Tape

LEAST_CHANGED = 0.5  # of the rows: an input that most samples share says little, whatever becomes of it


@dataclass(frozen=True)
class Unread:
    """An input (by its number on the tape) that nothing depends on, and the last operation that gets it, if one does."""

    number: int
    last: Operation | None
    dead: bool  # the last operation makes the same of every value: a unit without activity, a factor of zero


def unread_inputs(lab: Lab, tape: Tape, moved: dict[int, Tensor], tolerance: float) -> list[Unread]:
    """Of several inputs of the network, those that can be exchanged among the samples, in training and in evaluation mode and
    at first and last weights, without any effect; none where none has an effect. Nor may it have one that some samples'
    values stand in the place of others': a mean over the scores of a critic knows no order.
    """
    given = {number for node in tape.nodes if node.module is not None for number in node.inputs()}
    own = {number: value for number, value in moved.items() if number in given}
    candidates = [number for number, value in own.items() if says_something(tape.leaves[number].value, value)]
    if len(own) < 2 or not candidates:
        return []
    ignored = {number: _last(lab, tape, {number: own[number]}, tolerance) for number in candidates}
    found = [
        Unread(number, *last) for number, last in ignored.items()
        if last is not None and _last(lab, tape, {number: _drawn_again(tape.leaves[number].value)}, tolerance) is not None
    ]  # fmt: skip
    return found if len(found) < len(own) else []


def _drawn_again(value: Tensor) -> Tensor:
    """As many samples, some of them several times and others not."""
    generator = torch.Generator().manual_seed(0)
    return value[torch.randint(len(value), (len(value),), generator=generator).to(value.device)]


def says_something(value: Tensor, moved: Tensor) -> bool:
    """Whether an input differs from sample to sample and is neither a mask nor a number of a sample (its index, its length)."""
    if value.dtype == torch.bool or (not value.is_floating_point() and value.dim() < 2):
        return False
    changed = (value != moved).reshape(len(value), -1).any(1)
    return float(changed.double().mean()) > LEAST_CHANGED and not bool(((value == 0) | (value == 1)).all())


def _last(lab: Lab, tape: Tape, moved: dict[int, Tensor], tolerance: float) -> tuple[Operation | None, bool] | None:
    """The last operation that gets an exchanged input, and whether its result is the same; None where it has an effect."""
    last: Operation | None = None
    dead = False
    for state in ("final", "initial"):
        with lab.at(state):
            if not _equal(lab.log(tape), lab.log(tape, replace=moved), tolerance):  # in training mode
                return None
            with measuring(lab, tape):
                one, two = lab.log(tape, modes=False), lab.log(tape, modes=False, replace=moved)
            if not _equal(one, two, tolerance):
                return None
            reached = [
                (first, second) for first, second in zip(one.calls, two.calls, strict=True)
                if _differ(first.inputs, second.inputs)
            ]  # fmt: skip
            if reached:
                last, dead = reached[-1][0], not _differ(reached[-1][0].outputs, reached[-1][1].outputs)
    return last, dead


def _equal(one: Operations, two: Operations, tolerance: float) -> bool:
    """Whether loss and predictions are the same, by the same operations."""
    if one.root is None or two.root is None or [call.name for call in one.calls] != [call.name for call in two.calls]:
        return False
    results = [(one.root, two.root)]
    results += [(a.input, b.input) for a, b in zip(loss_calls(one), loss_calls(two), strict=False)]
    return len(results) > 1 and all(_near(first, second, tolerance) for first, second in results)


def _near(one: Tensor, two: Tensor, tolerance: float) -> bool:
    first, second = one.detach().double(), two.detach().double()
    if first.shape != second.shape or not bool(torch.isfinite(first).all()):
        return False
    return float((first - second).abs().max()) <= tolerance * max(float(first.square().mean().sqrt()), 1e-30)


def _differ(one: list[Tensor], two: list[Tensor]) -> bool:
    pairs = zip(one, two, strict=False)
    return any(a.shape != b.shape or not torch.equal(a.detach(), b.detach()) for a, b in pairs)
