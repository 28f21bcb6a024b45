"""The part of a recorded step that lies between the network's last parameters and the loss, run by itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map

from paramedic.experiments.operations import Operation, Operations
from paramedic.trace.tape import tensors_of

# Their results are kept from the log: the tail must give the same loss for the same outputs.
RANDOM_FUNCTIONS = frozenset(
    {"randn_like", "rand_like", "randint_like", "randn", "rand", "randint", "randperm", "normal", "bernoulli",
     "multinomial", "normal_", "uniform_", "bernoulli_", "exponential_", "rsample", "sample", "poisson"}
)
# They compare outputs with learned anchors and have a range of their own: the outputs before them are free.
COMPARISONS = frozenset({"cosine_similarity", "cdist", "pairwise_distance", "dist", "cosine_embedding_loss", "norm"})
REPLAY_TOLERANCE = 1e-4  # relative; the tail, run on the logged outputs, must give the logged loss


def is_in_place(call: Operation) -> bool:
    """Whether a call writes to its first argument."""
    name = call.name
    if name == "__setitem__" or (name.startswith("__i") and name.endswith("__") and name != "__invert__"):
        return True
    return name.endswith("_") and not name.endswith("__")


def _is_parameter(tensor: Tensor) -> bool:
    return tensor.is_leaf and tensor.requires_grad


@dataclass(eq=False)
class LossTail:
    """Operations from free outputs to the loss.

    outputs: the results of the terminal parametric operations (those that reach the loss without passing another
        operation with trainable parameters), as logged; terminals: these operations.
    calls: the operations that depend on them, in order, with those that make what is written to in place.
    constants: tensors with more than one element that enter ``calls`` and depend on no output: targets, masks,
        weights; in order of their use.
    """

    operations: Operations
    outputs: list[Tensor]
    terminals: list[Operation]
    calls: list[Operation]
    constants: list[Tensor] = field(default_factory=list)

    def run(
        self, outputs: Sequence[Tensor], constants: Mapping[int, Tensor] | None = None
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """The loss for other outputs (and other constants, by id), and all values by id of the logged tensor."""
        values: dict[int, Tensor] = {id(old): new * 1 for old, new in zip(self.outputs, outputs, strict=True)}
        values.update(constants or {})

        def fill(item: Any) -> Any:
            if not isinstance(item, Tensor):
                return item
            found = values.get(id(item))
            return found if found is not None else item.detach()

        for call in self.calls:
            for old, new in zip(call.outputs, _again(call, fill), strict=False):
                values[id(old)] = new
        assert self.operations.root is not None
        return values[id(self.operations.root)], values

    def loss(self, outputs: Sequence[Tensor], constants: Mapping[int, Tensor] | None = None) -> Tensor:
        return self.run(outputs, constants)[0]

    @staticmethod
    def alone(call: Operation, values: Mapping[int, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Inputs that require gradients, and outputs, of one operation at the given values, apart from all others."""
        free: dict[int, Tensor] = {}

        def fill(item: Any) -> Any:
            if not isinstance(item, Tensor):
                return item
            value = values.get(id(item), item)
            if not value.requires_grad:
                return value.detach()
            return free.setdefault(id(item), value.detach().clone().requires_grad_()) * 1

        outputs = _again(call, fill)
        return list(free.values()), outputs

    def faithful(self) -> bool:
        """Whether the tail gives the logged loss for the logged outputs."""
        root = self.operations.root
        if root is None or root.numel() != 1:
            return False
        try:
            value = float(self.loss([item.detach() for item in self.outputs]).detach())
        except Exception:
            return False
        expected = float(root.detach())
        if value != value or expected != expected:
            return value != value and expected != expected
        return abs(value - expected) <= REPLAY_TOLERANCE * max(1e-6, abs(expected))

    def network_inputs(self) -> set[int]:
        """Ids of the logged values that an operation before the tail gets, and of what is made of the network's inputs alone
        (the last value of a window, to which the network adds a change)."""
        mine = {id(call) for call in self.calls}
        before = [call for call in self.operations.calls if id(call) not in mine]
        behind = {id(item) for item in self.outputs}
        for call in reversed(before):
            if any(id(item) in behind for item in call.outputs):
                behind.update(id(item) for item in call.inputs)
        for call in before:
            if call.inputs and all(id(item) in behind for item in call.inputs):
                behind.update(id(item) for item in call.outputs)
        return behind | {id(item) for call in before for item in call.inputs}

    def depends_on(self, tensors: Sequence[Tensor]) -> set[int]:
        """Ids of the logged values in the tail that are computed from any of ``tensors``."""
        known = {id(item) for item in tensors}
        for call in self.calls:
            if any(id(item) in known for item in call.inputs):
                known.update(id(item) for item in call.outputs)
        return known


def _again(call: Operation, fill: Callable[[Any], Any]) -> list[Tensor]:
    """The tensors that an operation gives with its arguments replaced."""
    args, kwargs = tree_map(fill, (call.args, call.kwargs))
    with ExitStack() as stack:
        if call.node is not None and call.node.autocast is not None:
            device, enabled, dtype = call.node.autocast
            stack.enter_context(torch.autocast(device, dtype=dtype, enabled=enabled))
        if not call.requires_grad and any(item.requires_grad for item in call.inputs):
            stack.enter_context(torch.no_grad())
        result = call.function(*args, **kwargs)
    return _tensors(args[0] if call.name == "__setitem__" else result)


def _tensors(result: Any) -> list[Tensor]:
    return [item for item in tensors_of(result) if isinstance(item, Tensor)]


def loss_tail(operations: Operations) -> LossTail | None:
    """The tail of a logged step; None if no trainable operation reaches the loss, or it has no loss."""
    root = operations.root
    if root is None or operations.derivatives():
        return None
    for frozen in (False, True):
        found = _walk(operations, root, frozen)
        if found is not None and found.outputs:
            return found
    return None


def _walk(operations: Operations, root: Tensor, frozen: bool) -> LossTail | None:
    """Walk down from the loss; stop at operations with trainable parameters (or any, if ``frozen``)."""
    derived = _parameter_values(operations, frozen)
    needed, outputs, terminals, path = {id(root)}, list[Tensor](), list[Operation](), list[Operation]()
    for call in reversed(operations.calls):
        mine = [item for item in call.outputs if id(item) in needed]
        if not mine or all(id(item) in derived for item in mine):
            continue
        if call.node is not None and not call.node.grad_enabled:
            continue  # what the loop computes without gradients (a target network's values) is data
        if _is_terminal(call, derived):
            fresh = [item for item in mine if item.is_floating_point() and not any(item is o for o in outputs)]
            outputs.extend(fresh)
            terminals.append(call)
            continue
        path.append(call)
        needed.update(id(item) for item in call.inputs)
    outputs, terminals, path = outputs[::-1], terminals[::-1], path[::-1]
    calls = _dependent(path, outputs)
    if not any(item is root for call in calls for item in call.outputs):
        return None
    return LossTail(operations, outputs, terminals, calls, _constants(calls, outputs, derived))


def _parameter_values(operations: Operations, frozen: bool) -> set[int]:
    """Ids of trainable parameters and of what is computed from them alone, or from them and given numbers (a factor)."""
    derived: set[int] = set()
    computed: set[int] = set()
    for call in operations.calls:
        for item in call.inputs:
            if _is_parameter(item) or (frozen and isinstance(item, nn.Parameter)):
                derived.add(id(item))
        others = [item for item in call.inputs if id(item) not in derived]
        numbers = all(item.dim() == 0 and not item.requires_grad and id(item) not in computed for item in others)
        if len(others) < len(call.inputs) and numbers:
            derived.update(id(item) for item in call.outputs)
        else:
            computed.update(id(item) for item in call.outputs)
    return derived


def _is_terminal(call: Operation, derived: set[int]) -> bool:
    """Parameters meet data here; a learned weight on a scalar loss term is no output of a network."""
    if call.name in COMPARISONS or not any(id(item) in derived for item in call.inputs):
        return False
    return any(item.dim() > 1 or item.numel() > 1 for item in call.outputs)


def _dependent(path: list[Operation], outputs: list[Tensor]) -> list[Operation]:
    """Calls of ``path`` computed from ``outputs``, and those that make a tensor which one of them writes to."""
    known, calls = {id(item) for item in outputs}, list[Operation]()
    for call in path:
        if call.name not in RANDOM_FUNCTIONS and any(id(item) in known for item in call.inputs):
            known.update(id(item) for item in call.outputs)
            calls.append(call)
    written = {id(call.inputs[0]) for call in calls if is_in_place(call) and call.inputs}
    free = {id(item) for item in outputs}
    makers = [
        call for call in path
        if call not in calls and any(id(item) in written and id(item) not in free for item in call.outputs)
    ]
    return [call for call in path if call in calls or call in makers] if makers else calls


def _constants(calls: list[Operation], outputs: list[Tensor], derived: set[int]) -> list[Tensor]:
    computed = {id(item) for item in outputs} | {id(item) for call in calls for item in call.outputs}
    found: list[Tensor] = []
    for call in calls:
        for item in call.inputs:
            if id(item) in computed or id(item) in derived or item.numel() < 2:
                continue
            if not any(item is other for other in found):
                found.append(item)
    return found
