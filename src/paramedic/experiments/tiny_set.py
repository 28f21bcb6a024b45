"""Whether the network can memorize a handful of samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from paramedic.experiments.interventions import NoDropout
from paramedic.experiments.lab import Lab
from paramedic.experiments.progress import Probe, input_numbers, penalties, scale_of, target_number
from paramedic.trace.setup import parameters_of
from paramedic.trace.tape import Tape

SAMPLES = 8
RATES = (
    1e-2,
    3e-3,
    1e-3,
    3e-2,
)  # Adam's, one after the other; the first passes 54 of 56 healthy set-ups (prototype)
STEPS = (400, 150, 150, 150)  # healthy networks need 4 to 117 at the first rate (prototype)
PASSED = 0.05  # u
# A network that shares its weights over places (convolutions on pictures with a value per pixel) holds far fewer values
# than it has parameters: a sound super-resolution network with 2 per value reached u 0.73 (one program; the margin is
# a guess on the side of silence, the classifiers of programs/ have hundreds).
PARAMETERS_PER_VALUE = 10


@dataclass(frozen=True)
class Memorized:
    """u: the least that was reached on ``samples`` samples with ``values`` target values; steps: all that were made.

    parameters: how many numbers the optimizers train.
    """

    u: float
    steps: int
    samples: int
    values: int
    parameters: int

    @property
    def passed(self) -> bool:
        return self.u < PASSED

    @property
    def possible(self) -> bool:
        """Whether the network has parameters enough to hold the values by heart."""
        return self.parameters >= PARAMETERS_PER_VALUE * self.values


def memorize(lab: Lab) -> Memorized | None:
    """Train the network on SAMPLES samples of the first batch; None where that cannot be cut out. Cached.

    Dropout, weight decay and penalties are off; gradients are clipped to 1.
    """
    if "memorized" not in lab._cache:
        with lab.spending():
            lab._cache["memorized"] = _memorize(lab)
    return lab._cache["memorized"]  # type: ignore[no-any-return]


def _memorize(lab: Lab) -> Memorized | None:
    tape = lab.main_backward.tape
    assert tape is not None
    rows = _rows(lab, tape)
    if rows is None:
        return None
    size = _size(tape)
    few = {
        n: leaf.value[rows]
        for n, leaf in tape.constants().items()
        if leaf.value.dim() and len(leaf.value) == size
    }
    probe = Probe(tape, penalties(tape) | few)
    scale = scale_of(lab, [probe])
    if scale is None:
        return None
    target = _target(lab, tape)
    values = target.numel() * len(rows) // size if target is not None else len(rows)
    parameters = sum(p.numel() for record in lab.setup.optimizers for p in record.parameters)
    best, steps = float("inf"), 0
    for rate, count in zip(RATES, STEPS, strict=True):
        with lab.at("initial"), NoDropout().applied(lab):
            for loss in _train(lab, probe, rate, count):
                steps += 1
                best = min(best, scale.u(loss))
                if best < PASSED:
                    return Memorized(best, steps, len(rows), values, parameters)
    return Memorized(best, steps, len(rows), values, parameters)


def _size(tape: Tape) -> int:
    numbers = input_numbers(tape)
    value = tape.leaves[numbers[0]].value if numbers else None
    return int(value.shape[0]) if value is not None and value.dim() else 0


def _target(lab: Lab, tape: Tape) -> Tensor | None:
    number = target_number(lab, tape)
    return tape.leaves[number].value if number is not None else None


def _rows(lab: Lab, tape: Tape) -> Tensor | None:
    """Rows of the first batch, labels in turn where the target has one per sample."""
    size = _size(tape)
    if size < 2:
        return None
    target = _target(lab, tape)
    if target is None or target.is_floating_point() or target.shape != (size,):
        return torch.arange(min(SAMPLES, size))
    seen: dict[int, int] = {}
    turns = []
    for row, label in enumerate(target.tolist()):
        turns.append((seen.get(label, 0), row))
        seen[label] = seen.get(label, 0) + 1
    return torch.tensor(sorted(row for _, row in sorted(turns)[:SAMPLES]))


def _train(lab: Lab, probe: Probe, rate: float, steps: int):  # type: ignore[no-untyped-def]
    parameters = [p for record in lab.setup.optimizers for p in parameters_of(record.optimizer)]
    optimizer = torch.optim.Adam(parameters, lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = probe.tape.loss(replace=probe.replace)
        yield float(loss.detach())
        lab.look_at_the_clock()
        if not bool(torch.isfinite(loss)):
            return
        loss.backward()
        nn.utils.clip_grad_norm_([p for p in parameters if p.grad is not None], 1.0)
        optimizer.step()
