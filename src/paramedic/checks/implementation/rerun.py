"""One recorded call of a module, run again with other inputs, and put back as it was."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.measurements.dependence import TOLERANCE, difference, scale
from paramedic.trace.place import Place
from paramedic.trace.setup import Setup
from paramedic.trace.tape import Leaf, Node, Tape

SEED = 0
SNAPSHOT_BYTES = 1 << 30  # copies of intermediate values while an operation is searched


@dataclass(eq=False)
class Rerun:
    """A module call on its own: ``tape`` has the one node, ``inputs`` its tensors by number (constants)."""

    case: Case
    node: Node
    module: nn.Module
    tape: Tape
    inputs: dict[int, Tensor]

    def __call__(self, changed: Mapping[int, Tensor] | None = None) -> list[Tensor]:
        """The floating-point outputs, detached copies. Raises whatever the module raises."""
        return [item.detach().clone() for item in self.live(changed)]

    def live(self, changed: Mapping[int, Tensor] | None = None, watch: Any = None) -> list[Tensor]:
        """The outputs themselves; ``watch`` sees every operation. State and random streams are as in every run."""
        seeded()
        new = {number: value.detach().clone() for number, value in (changed or {}).items()}
        with kept(self.module):
            if watch is None:
                values = self.tape.run(replace=new, modes=False)
            else:
                operations = self.case.lab.log(self.tape, watch, replace=new, modes=False)
                if operations.error is not None:
                    raise operations.error
                values = operations.values
        found = [values.get(number) for number in self.node.outputs if number is not None and self._wanted(number)]
        return [item for item in found if isinstance(item, Tensor) and item.is_floating_point() and item.dim() > 0]

    def _wanted(self, number: int) -> bool:
        """Whether the step makes anything of an output: attention weights that are returned beside it are for looking at."""
        tape = self.case.lab.main_backward.tape
        if tape is None or self.node not in tape.nodes:
            return True
        used = {tape.root, *(item for node in tape.nodes if node is not self.node for item in node.inputs())}
        return number in used or not used.intersection(self.node.outputs)


def seeded() -> None:
    """Start all random streams anew; ``Lab.at`` puts them back."""
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    random.seed(SEED)


def rerun_of(case: Case, node: Node, values: Mapping[int, Any]) -> Rerun:
    """The call of ``node`` with the input values that it had; a compiled module is taken as its source. Where the mode is
    an argument (Keras), it is that of evaluation.
    """
    module: Any = getattr(node.target, "_orig_mod", node.target)
    inputs = {
        number: values[number].detach() for number in node.inputs() if isinstance(values.get(number), Tensor)
    }
    kwargs = {**node.kwargs, "training": False} if node.kwargs.get("training") is True else node.kwargs
    alone = replace(node, target=module, kwargs=kwargs, autocast=None, grad_enabled=True, training=None)
    leaves = {number: Leaf(value, parameter=isinstance(value, nn.Parameter)) for number, value in inputs.items()}
    return Rerun(case, node, module, Tape([alone], leaves), inputs)


@contextmanager
def kept(module: nn.Module) -> Iterator[None]:
    """Put back buffers and plain attributes (a hidden state, a counter) that a forward pass changes."""
    saved = []
    for part in module.modules():
        plain = {
            key: copy.copy(value) if isinstance(value, (list, dict, set)) else value
            for key, value in vars(part).items()
            if key == "_buffers" or not (key.startswith("_") and isinstance(value, dict))
        }
        tensors = [value for value in (*plain.values(), *part._buffers.values()) if isinstance(value, Tensor)]
        saved.append((part, plain, [(value, value.detach().clone()) for value in tensors]))
    try:
        yield
    finally:
        for part, plain, copies in saved:
            for key in [key for key in vars(part) if key not in plain]:
                if not (key.startswith("_") and isinstance(vars(part)[key], dict)):
                    del vars(part)[key]
            for key, value in plain.items():
                old = vars(part).get(key)
                if isinstance(value, dict) and isinstance(old, dict):
                    old.clear()
                    old.update(value)
                elif isinstance(value, list) and isinstance(old, list):
                    old[:] = value
                else:
                    vars(part)[key] = value
            for live, value in copies:
                if not torch.equal(live, value):
                    live.data.copy_(value)


@dataclass(eq=False)
class Step:
    """One operation of two aligned runs. ``dirty``: per tensor (inputs, then outputs), what the status function
    says of its values in the two runs."""

    call: Any
    inputs: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)


class Snapshots:
    """Keeps the values of every operation's tensors in one run."""

    def __init__(self) -> None:
        self.inputs: list[list[Tensor | None]] = []
        self.outputs: list[list[Tensor | None]] = []
        self.names: list[str] = []
        self._known: dict[tuple[int, int], Tensor] = {}
        self._alive: list[Tensor] = []
        self._pending: dict[int, list[Tensor | None]] = {}
        self.nbytes = 0

    def before(self, call: Any) -> None:
        self._pending[id(call)] = [self._copy(item) for item in call.inputs]

    def after(self, call: Any) -> None:
        self.names.append(call.name)
        self.inputs.append(self._pending.pop(id(call)))
        self.outputs.append([self._copy(item) for item in call.outputs])

    def _copy(self, tensor: Tensor) -> Tensor | None:
        if isinstance(tensor, nn.Parameter) or tensor.layout is not torch.strided or self.nbytes > SNAPSHOT_BYTES:
            return None
        key = (id(tensor), tensor._version)
        if key not in self._known:
            self._known[key] = tensor.detach().clone()
            self._alive.append(tensor)
            self.nbytes += tensor.numel() * tensor.element_size()
        return self._known[key]


class Comparison:
    """Compares a second run with the snapshots of the first: status of every tensor of every operation."""

    def __init__(self, base: Snapshots, status: Callable[[Tensor, Tensor], Any]) -> None:
        self.base, self.status = base, status
        self.steps: list[Step] = []
        self._alive: list[Tensor] = []
        self._known: dict[tuple[int, int, int], Any] = {}
        self._pending: dict[int, list[Any]] = {}

    def before(self, call: Any) -> None:
        number = len(self.steps)
        if self._aligned(call):
            self._pending[id(call)] = self._statuses(call.inputs, self.base.inputs[number])

    def after(self, call: Any) -> None:
        number = len(self.steps)
        inputs = self._pending.pop(id(call), [])
        aligned = self._aligned(call)
        outputs = self._statuses(call.outputs, self.base.outputs[number]) if aligned else []
        self.steps.append(Step(call, inputs, outputs))

    def _aligned(self, call: Any) -> bool:
        number = len(self.steps)
        return number < len(self.base.names) and self.base.names[number] == call.name

    def _statuses(self, tensors: list[Tensor], base: list[Tensor | None]) -> list[Any]:
        return [
            self._status(tensor, known) if known is not None else None
            for tensor, known in zip(tensors, base, strict=False)
        ]

    def _status(self, tensor: Tensor, base: Tensor) -> Any:
        key = (id(tensor), tensor._version, id(base))
        if key not in self._known:
            self._known[key] = self.status(base, tensor)
            self._alive.append(tensor)
        return self._known[key]


def culprits(steps: list[Step], guilty: Callable[[Any], bool], outputs: list[Tensor]) -> list[Step]:
    """The operations, in order, at which the outputs' guilt began: a guilty result from inputs without guilt.

    outputs: live tensors of the last run whose history is asked for.
    """
    wanted = {_storage(item) for item in outputs}
    found: list[Step] = []
    for step in reversed(steps):
        mine = [
            tensor for tensor, status in zip(step.call.outputs, step.outputs, strict=False)
            if _storage(tensor) in wanted and guilty(status)
        ]
        if not mine:
            continue
        origins = [
            tensor for tensor, status in zip(step.call.inputs, step.inputs, strict=False) if guilty(status)
        ]
        if origins:
            wanted.update(_storage(item) for item in origins)
        else:
            found.append(step)
    return found[::-1]


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() if tensor.layout is torch.strided else id(tensor)


def same_values(one: list[Tensor], other: list[Tensor]) -> bool:
    """Whether two runs gave the same outputs."""
    return len(one) == len(other) and all(
        a.shape == b.shape and (a.numel() == 0 or float(difference(a, b).max()) <= TOLERANCE * scale(a))
        for a, b in zip(one, other, strict=True)
    )


def constructed_place(setup: Setup, path: str | None) -> Place | None:
    """Where the module with this dotted path, or the nearest one around it, was constructed by the user."""
    for record in setup.models:
        if path is None or not (path == record.name or path.startswith(record.name + ".")):
            continue
        parts = path[len(record.name) + 1 :].split(".") if path != record.name else []
        for end in range(len(parts), -1, -1):
            try:
                module = record.module.get_submodule(".".join(parts[:end]))
            except AttributeError:
                continue
            place = setup.constructed.get(module)
            if place is not None:
                return place
    return None


def place_of_step(setup: Setup, call: Any, node: Node) -> Place | None:
    """The user's line of an operation; for one inside a library's layer, where that layer was constructed."""
    if call.place is not None and call.place != node.place:
        return call.place
    return constructed_place(setup, call.module_path) or call.place
