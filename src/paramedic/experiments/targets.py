"""Regression targets: their scales by column, what is learned of each column, and the same training with them standardized."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from paramedic.checks.implementation.loss_inputs import loss_indices
from paramedic.experiments.interventions import Remedy, candidates
from paramedic.experiments.lab import Lab
from paramedic.experiments.operations import LossCall, Operation, Operations, loss_calls
from paramedic.experiments.progress import Probe, measuring, spread
from paramedic.experiments.repairs import Edit, EditedOperations, kind_of
from paramedic.measurements.data.recipe import Ranges, feature_ranges
from paramedic.trace.place import Place
from paramedic.trace.tape import Tape

# Library losses, and the first operation of those by hand, that compare an output with a value of the same unit.
REGRESSION = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
DIFFERENCES = frozenset({"sub", "__sub__", "__rsub__", "rsub", "subtract"})
# Decades of rms, and of 1 + |mean| / sd: a new network's outputs are of the order of 1, and each step of Adam moves them
# by the learning rate times the number of active units.
FAR = 1.0
STATISTICS_TAPES = 8
MOST_COLUMNS = 64


@dataclass(eq=False)
class Target:
    """The target of one comparison: its statistics over recorded batches, per column where it has columns.

    index: of the recorded loss; call: the operation; ordinal: among those of its name; key: the argument that is the
    target. mean, deviation: of shape (columns,), or (1,); varies: columns that are not constant (deviation 1 here).
    """

    index: int
    call: Operation
    ordinal: int
    key: int | str
    mean: Tensor
    deviation: Tensor
    varies: list[bool]
    ranges: Ranges

    @property
    def columns(self) -> int:
        return len(self.mean)

    @property
    def place(self) -> Place | None:
        return self.call.place

    @property
    def far(self) -> float:
        """Decades between these values and those of a new network's outputs."""
        return self.ranges.deviation

    def standardized(self, value: Tensor) -> Tensor:
        return (value - self.mean.to(value.dtype)) / self.deviation.to(value.dtype)

    def edit(self) -> Edit:
        """The comparison with the standardized target."""

        def compare(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if isinstance(self.key, str):
                return func(*args, **kwargs | {self.key: self.standardized(kwargs[self.key])})
            changed = list(args)
            changed[self.key] = self.standardized(changed[self.key])
            return func(*changed, **kwargs)

        return compare


def targets(lab: Lab) -> list[Target]:
    """The regression targets of the program's losses that come from its data; measured once."""
    if "regression targets" not in lab._cache:
        lab._cache["regression targets"] = _measured(lab)
    return lab._cache["regression targets"]  # type: ignore[no-any-return]


def _measured(lab: Lab) -> list[Target]:
    found = []
    for index in loss_indices(lab):
        operations = lab.operations(index)
        network = _of_a_network(operations)
        for call in loss_calls(operations):
            if _is_regression(call) and id(call.target) not in network:
                target = _target(lab, index, call)
                if target is not None:
                    found.append(target)
    return found


def _is_regression(call: LossCall) -> bool:
    compares = call.name in REGRESSION or (call.by_hand and call.operation.name in DIFFERENCES)
    return compares and call.target is not None and call.target.is_floating_point() and call.target.dim() > 0


def _of_a_network(operations: Operations) -> set[int]:
    """Ids of what is computed from parameters, with a gradient or without: a target network's values are no data."""
    known: set[int] = set()
    for call in operations.calls:
        inside = call.node is not None and call.node.module is not None
        if inside or any(id(item) in known or isinstance(item, torch.nn.Parameter) for item in call.inputs):
            known.update(id(item) for item in call.outputs)
    return known


def follows_itself(lab: Lab) -> bool:
    """Whether all that the outputs are compared with is computed, without gradient, by weights that training changes.

    So it is with a value that is bootstrapped from the next state's (temporal differences), by a target network or by the
    network itself: the target moves with what was learned, and the loss on recorded batches may as well rise while it is.
    The values of a network that stays as it is (a teacher's) are data like any other.
    """
    operations = lab.operations(0)
    compared = [call.target for call in loss_calls(operations) if call.target is not None]
    if not compared or any(target.requires_grad for target in compared):
        return False
    moved = _values_of(operations, _changed(lab))
    return all(id(target) in moved for target in compared)


def _changed(lab: Lab) -> set[int]:
    """Ids of the weights that are others at the end of the program than before its first step."""
    return {
        id(live) for live, before in lab.setup.initial.tensors
        if (live.requires_grad or isinstance(live, torch.nn.Parameter))
        and (live.shape != before.shape or not torch.equal(live.detach(), before.to(live.device)))
    }  # fmt: skip


def _values_of(operations: Operations, weights: set[int]) -> set[int]:
    """Ids of what is computed from these weights, in no matter how many operations, and of the weights."""
    known = set(weights)
    for call in operations.calls:
        if any(id(item) in known for item in call.inputs):
            known.update(id(item) for item in call.outputs)
    return known


def _target(lab: Lab, index: int, call: LossCall) -> Target | None:
    operation, tape = call.operation, lab.backwards[index].tape
    assert tape is not None
    arguments: list[tuple[int | str, Any]] = [*enumerate(operation.args), *operation.kwargs.items()]
    key = next((key for key, item in arguments if item is call.target), None)
    if key is None:
        return None
    same = [item for item in lab.operations(index).calls if item.name == operation.name]
    ordinal = next(number for number, item in enumerate(same) if item is operation)
    seen = [value for value in _over_batches(lab, tape, operation.name, ordinal, key) if value.numel()]
    if not seen:
        return None
    values = torch.cat([_columns(value) for value in seen]).double()
    if not bool(torch.isfinite(values).all()) or not bool(values.std() > 0):
        return None
    deviation = values.std(dim=0)
    constant = deviation <= 1e-6 * values.abs().amax(dim=0) + 1e-30
    deviation = torch.where(constant, torch.ones_like(deviation), deviation)
    mean, varies = values.mean(dim=0), (~constant).tolist()
    return Target(index, operation, ordinal, key, mean, deviation, varies, feature_ranges(values.cpu().numpy()))


def _columns(value: Tensor) -> Tensor:
    """Rows of columns, where the last dimension counts a few of them; else one column."""
    value = value.detach()
    wide = value.dim() == 2 and 2 <= value.shape[1] <= MOST_COLUMNS
    return value if wide else value.reshape(-1, 1)


def _over_batches(lab: Lab, tape: Tape, name: str, ordinal: int, key: int | str) -> list[Tensor]:
    """The same argument of the same operation in recorded batches."""
    own = kind_of(tape)
    tapes = [item.tape for item in lab.backwards if item.tape is not None and kind_of(item.tape) == own]
    found = []
    with lab.at("initial"):
        for item in spread(tapes, STATISTICS_TAPES):
            call = _call(lab.log(item), name, ordinal)
            if call is not None:
                found.append(call.kwargs[key] if isinstance(key, str) else call.args[key])
    return found


def _call(operations: Operations, name: str, ordinal: int) -> Operation | None:
    same = [item for item in operations.calls if item.name == name]
    return same[ordinal] if ordinal < len(same) else None


class StandardizedTarget(EditedOperations):
    """Every regression target minus its mean, divided by its standard deviation (per column): the network learns that."""

    rows = ("R12", "R20")
    order = 11
    own_units = True
    remedy = (
        "standardize the target: subtract its training mean (of each column) and divide by its training standard deviation; "
        "turn predictions back for what is reported"
    )

    def __init__(self) -> None:
        super().__init__("unstandardized-target", "targets standardized")
        self.name = "standardized-target"
        self.defines_loss = False
        self.targets: list[Target] | None = None

    def why_not(self, lab: Lab) -> str | None:
        if self.targets is None:
            self.targets = targets(lab)
            for item in self.targets:
                self.add(lab, item.index, item.call, item.edit())
        if not self.targets:
            return "no loss compares outputs with values from the data"
        if self.far <= FAR:
            return "the targets are of the order of a network's outputs"
        return None

    @property
    def farthest(self) -> Target | None:
        return max(self.targets or (), key=lambda item: item.far, default=None)

    @property
    def far(self) -> float:
        return max((item.far for item in self.targets or ()), default=0.0)


def remedies() -> list[Remedy]:
    """All that are tried in every program, in the order of minimal change."""
    return sorted([*candidates(), StandardizedTarget()], key=lambda item: item.order)


# -- columns -------------------------------------------------------------------------------------------------------


def column_progress(lab: Lab, probes: Sequence[Probe], target: Target, standardized: bool) -> list[float]:
    """u by column in the present state: squared error over that of the column's mean.

    standardized: the outputs are those of a network that learns the standardized target.
    """
    errors, spreads = [], []
    for probe in probes:
        with measuring(lab, probe.tape), torch.no_grad():
            call = _call(lab.log(probe.tape, modes=False, **probe.options()), target.call.name, target.ordinal)
        if call is None:
            continue
        given = call.kwargs[target.key] if isinstance(target.key, str) else call.args[target.key]
        output = next((item for item in call.inputs if item is not given and item.shape == given.shape), None)
        if output is None:
            continue
        wanted = target.standardized(_columns(given).double())
        reached = _columns(output).double()
        errors.append((reached if standardized else target.standardized(reached)) - wanted)
        spreads.append(wanted)
    if not errors:
        return []
    error, wanted = torch.cat(errors).pow(2).mean(dim=0), torch.cat(spreads)
    variance = (wanted - wanted.mean(dim=0)).pow(2).mean(dim=0)
    ratio = (error / variance.clamp(min=1e-30)).tolist()
    return [value if math.isfinite(value) else math.inf for value in ratio]
