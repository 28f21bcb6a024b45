"""What would happen if some tensors were trained too: the recorded steps again, with them in the optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from paramedic.experiments.lab import Intervention, Lab

if TYPE_CHECKING:
    from paramedic.trace.setup import OptimizerRecord

LEAST_STEPS = 150  # a replay goes through the recorded steps again until it has made so many
# Of the initial loss. Wide random features on purpose fit nearly as well as when they are trained: one layer of 256
# units gains 0.00 to 0.01, two gain 0.12 to 0.14; the frozen and unregistered programs of row 23 gain 0.6 to 0.9
# (2026-11).
LEAST_GAIN = 0.2


class TrainAlso(Intervention):
    """Adds tensors to the optimizer with the most steps (its class and first group's settings)."""

    rows = ("R23",)
    changes = "trained the frozen part too"

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self.tensors = list(tensors)

    def begin(self, lab: Lab) -> None:
        for tensor in self.tensors:
            tensor.requires_grad_(True)

    def before_backward(self, lab: Lab) -> None:
        """Tensors that are not the lab's own do not get their gradients cleared by it."""

    def optimizer(self, lab: Lab, index: int) -> torch.optim.Optimizer | None:
        records = lab.setup.optimizers
        main = max(range(len(records)), key=lambda number: records[number].steps)
        return _extended(records[main], self.tensors) if index == main else None


def _extended(record: OptimizerRecord, tensors: list[Tensor]) -> torch.optim.Optimizer:
    groups: list[dict[str, Any]] = []
    own: set[int] = set()
    for group, first in zip(record.optimizer.param_groups, record.groups, strict=False):
        groups.append({**first, "params": list(group["params"])})
        own.update(id(p) for p in group["params"])
    extra = [tensor for tensor in tensors if id(tensor) not in own]
    if extra:
        groups.append({**record.groups[0], "params": extra})
    for group in groups:
        group.pop("initial_lr", None)
    return type(record.optimizer)(groups, lr=record.groups[0].get("lr", 1e-3))  # type: ignore[call-arg]


@dataclass(frozen=True)
class Gain:
    """Training loss in evaluation mode: before training, after it as it is, and after it with more trained.

    gain: how much lower the last is, as a share of the first (median over the seeds).
    """

    initial: float
    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def gains(self) -> tuple[float, ...]:
        scale = abs(self.initial) or 1.0
        return tuple((one - other) / scale for one, other in zip(self.before, self.after, strict=True))

    @property
    def gain(self) -> float:
        return sorted(self.gains)[len(self.gains) // 2]


def gain_of_training(lab: Lab, tensors: Sequence[Tensor], seeds: int = 3) -> Gain:
    """Train as recorded, and with ``tensors`` trained too; the same batches and random numbers in both."""
    recorded = len(lab.setup.steps)
    steps = max(recorded, LEAST_STEPS)
    with lab.at("initial"):
        initial = lab.probe_loss()
    before, after = [], []
    for seed in range(seeds):
        before.append(lab.train(steps=steps, seed=seed).evaluated)
        with _kept(tensors):
            after.append(lab.train(TrainAlso(tensors), steps=steps, seed=seed).evaluated)
        if lab.time_left() <= 0:
            break
    return Gain(initial, tuple(before), tuple(after))


@contextmanager
def _kept(tensors: Sequence[Tensor]) -> Iterator[None]:
    """Put back what the lab does not know of: tensors that are no parameters of any model."""
    saved = [(item, item.detach().clone(), item.requires_grad, item.grad) for item in tensors]
    try:
        yield
    finally:
        for item, value, wanted, grad in saved:
            item.grad = grad
            item.requires_grad_(wanted)
            item.data.copy_(value)
