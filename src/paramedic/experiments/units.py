"""Units of ReLU-like layers that are zero for every sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.experiments.lab import Lab
from paramedic.experiments.operations import Operation, Operations
from paramedic.experiments.progress import Probe, measuring
from paramedic.trace.place import Place

RECTIFIERS = frozenset({"relu", "relu_", "relu6", "threshold", "threshold_", "clamp_min", "clamp_min_"})
LEAST_UNITS = 4
LEAST_SAMPLES = 30


@dataclass(frozen=True)
class DeadUnits:
    """One rectifying layer: how many of its units are zero on every probe, and the parameters in front of it.

    path: the module that applies it; place: the user's line; feeding: parameters of the operation before it.
    """

    path: str
    place: Place | None
    units: int
    dead: int
    samples: int
    feeding: tuple[Tensor, ...]

    @property
    def share(self) -> float:
        return self.dead / self.units


def dead_units(lab: Lab, probes: Sequence[Probe], state: str) -> list[DeadUnits]:
    """All rectifying layers in the order of their calls, in a state of the weights."""
    alive: list[Tensor] = []
    first: list[tuple[Operation, tuple[Tensor, ...]]] = []
    samples = 0
    with lab.at(state):
        for probe in probes:
            with measuring(lab, probe.tape):
                log = lab.log(probe.tape, modes=False, replace=probe.replace)
            calls = [call for call in log.calls if call.name in RECTIFIERS and call.outputs[0].dim() >= 2]
            active = [_active(call.outputs[0].detach()) for call in calls]
            samples += calls[0].outputs[0].shape[0] if calls else 0
            if not alive:
                alive, first = active, [(call, _feeding(log, call)) for call in calls]
            elif [item.shape for item in active] == [item.shape for item in alive]:
                alive = [one | other for one, other in zip(alive, active, strict=True)]
    return [
        DeadUnits(call.module_path or "", call.place, len(item), int((~item).sum()), samples, feeding)
        for item, (call, feeding) in zip(alive, first, strict=True)
        if len(item) >= LEAST_UNITS and samples >= LEAST_SAMPLES
    ]


def _active(output: Tensor) -> Tensor:
    """Which units are above zero for any sample and position: channels of images, else the last dimension."""
    unit = 1 if output.dim() >= 4 else output.dim() - 1
    return (torch.nan_to_num(output).movedim(unit, 0).flatten(1) > 0).any(dim=1)


def _feeding(log: Operations, call: Operation) -> tuple[Tensor, ...]:
    for other in reversed(log.calls[: log.calls.index(call)]):
        if any(item is call.inputs[0] for item in other.outputs) and other is not call:
            return tuple(item for item in other.inputs if isinstance(item, torch.nn.Parameter))
    return ()
