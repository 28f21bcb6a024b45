"""What would happen if some tensors were trained too: the recorded steps again, with them in the optimizer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor

from paramedic.experiments.interventions import Remedy
from paramedic.experiments.lab import Lab

LEAST_STEPS = 150  # a replay goes through the recorded steps again until it has made so many
# Of the initial loss. Wide random features on purpose fit nearly as well as when they are trained: one layer of 256
# units gains 0.00 to 0.01, two gain 0.12 to 0.14; the frozen and unregistered programs of row 23 gain 0.6 to 0.9
# (2026-11).
LEAST_GAIN = 0.2


class TrainAlso(Remedy):
    """Adds tensors to the optimizer with the most steps (its class and first group's settings)."""

    rows = ("R23",)
    changes = "trained the frozen part too"
    name = "train-also"

    def __init__(self, tensors: Sequence[Tensor], cause: str = "", changes: str = "") -> None:
        self.tensors = list(tensors)
        self.cause = cause
        self.changes = changes or self.changes
        self.name = cause or self.name

    def begin(self, lab: Lab) -> None:
        for tensor in self.tensors:
            tensor.requires_grad_(True)

    def more_parameters(self, lab: Lab) -> Sequence[Tensor]:
        return self.tensors

    @contextmanager
    def applied(self, lab: Lab) -> Iterator[None]:
        """Put back what the lab does not know of: tensors that are no parameters of any model."""
        saved = [(item, item.detach().clone(), item.requires_grad, item.grad) for item in self.tensors]
        try:
            yield
        finally:
            for item, value, wanted, grad in saved:
                item.grad = grad
                item.requires_grad_(wanted)
                item.data.copy_(value)


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
        after.append(lab.train(TrainAlso(tensors), steps=steps, seed=seed).evaluated)
        if lab.time_left() <= 0:
            break
    return Gain(initial, tuple(before), tuple(after))

