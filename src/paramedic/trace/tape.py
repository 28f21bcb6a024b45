"""A tape: how one loss was computed, as a list of module calls and functions that can be run again.

Recorded by the capture outside of modules (a module call is one node); run by the lab.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only

from paramedic.trace.place import Place
from paramedic.trace.random_state import TorchState, set_torch_state

# The name of a node that calls ``torch.autograd.grad``: a derivative that the loss is computed from.
DERIVATIVE = "autograd.grad"


def is_derivative(function: Any) -> bool:
    """Whether this is ``torch.autograd.grad``; an attribute of tensors has the same name."""
    return getattr(function, "__name__", "") == "grad" and getattr(function, "__module__", "") == "torch.autograd"


@dataclass(frozen=True)
class Ref:
    """Stands for the value with this number in the arguments of a node."""

    index: int


@dataclass(eq=False)
class Leaf:
    """A value that the tape starts from.

    value: a copy for a constant (a batch, a noise tensor, a hidden state), the live tensor for a parameter.
    """

    value: Tensor
    parameter: bool = False
    source: Any = None


@dataclass(eq=False)
class CustomFunction:
    """Calls ``function.apply`` of a custom torch.autograd.Function, whatever ``apply`` is at that time."""

    function: Any

    @property
    def __name__(self) -> str:
        return str(self.function.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function.apply(*args, **kwargs)


@dataclass(eq=False)
class Node:
    """One call: ``target(*args, **kwargs)`` with Ref for tensors; ``outputs`` are the numbers of its tensors.

    A module call has ``training`` (the flags of all its submodules, in ``modules()`` order). ``rng`` is the CPU
    generator's state before the call where the call may draw random numbers. ``autocast`` is (device type,
    enabled, dtype) where autocast was on; ``value`` of a call without gradients that gave a single number: that number,
    and how many elements it was made of; ``grad`` says whether an output required a gradient, ``grad_enabled``
    whether gradients were recorded at all (False under ``torch.no_grad``).
    """

    target: Callable[..., Any]
    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: list[int | None]
    place: Place | None = None
    training: tuple[bool, ...] | None = None
    rng: TorchState | None = None
    autocast: tuple[str, bool, torch.dtype] | None = None
    grad: bool = False
    grad_enabled: bool = True
    value: tuple[float | Tensor, int] | None = None

    @property
    def module(self) -> nn.Module | None:
        return self.target if isinstance(self.target, nn.Module) else None

    def inputs(self) -> Iterator[int]:
        """Numbers of all values that the call reads."""
        for value in flatten((self.args, self.kwargs)):
            if isinstance(value, Ref):
                yield value.index


# What the arguments of a call are made of, almost always: walked here, because torch's general walk took most of the
# time of recording a call.
_LEAVES = frozenset({Tensor, nn.Parameter, Ref, int, float, bool, str, type(None), torch.dtype, torch.device})


def flatten(tree: Any) -> list[Any]:
    """Leaves of nested tuples, lists, dicts and registered containers, in the order of torch's pytree."""
    leaves: list[Any] = []
    _collect(tree, leaves)
    return leaves


def _collect(tree: Any, leaves: list[Any]) -> None:
    kind = type(tree)
    if kind in _LEAVES:
        leaves.append(tree)
    elif kind is tuple or kind is list:
        for item in tree:
            _collect(item, leaves)
    elif kind is dict:
        for item in tree.values():
            _collect(item, leaves)
    else:
        leaves.extend(tree_flatten(tree)[0])


def map_tensors(change: Callable[[Tensor], Any], tree: Any) -> Any:
    """The same nested containers with ``change(tensor)`` in the place of every tensor."""
    kind = type(tree)
    if kind is Tensor or kind is nn.Parameter:
        return change(tree)
    if kind in _LEAVES:
        return tree
    if kind is tuple:
        return tuple([map_tensors(change, item) for item in tree])
    if kind is list:
        return [map_tensors(change, item) for item in tree]
    if kind is dict:
        return {key: map_tensors(change, item) for key, item in tree.items()}
    return tree_map_only(Tensor, change, tree)


def tensors_of(tree: Any) -> list[Any]:
    """Leaves of a call's result in a stable order; objects with tensor attributes are opened one level."""
    leaves: list[Any] = []
    for leaf in flatten(tree):
        if not isinstance(leaf, Tensor) and hasattr(leaf, "__dict__") and not callable(leaf):
            leaves.extend(value for value in flatten(vars(leaf)))
        else:
            leaves.append(leaf)
    return leaves


@dataclass(eq=False)
class Tape:
    """Nodes in order, the leaves they start from, and the number of the loss (None in evaluation)."""

    nodes: list[Node] = field(default_factory=list)
    leaves: dict[int, Leaf] = field(default_factory=dict)
    root: int | None = None
    grad: bool = True

    def pruned(self, root: int) -> Tape:
        """The part of the tape that ``root`` depends on, including in-place writes to what it reads."""
        needed = {root}
        nodes: list[Node] = []
        for node in reversed(self.nodes):
            if any(number in needed for number in node.outputs if number is not None):
                nodes.append(node)
                needed.update(node.inputs())
        leaves = {number: leaf for number, leaf in self.leaves.items() if number in needed}
        return Tape(nodes[::-1], leaves, root, self.grad)

    def constants(self) -> dict[int, Leaf]:
        """Leaves that are not parameters."""
        return {number: leaf for number, leaf in self.leaves.items() if not leaf.parameter}

    def module_calls(self) -> list[Node]:
        return [node for node in self.nodes if node.module is not None]

    @property
    def derivatives(self) -> bool:
        """Whether the loss is computed from derivatives of what the network computes: they need gradients to run."""
        return any(node.name == DERIVATIVE for node in self.nodes)

    def nbytes(self) -> int:
        return sum(leaf.value.numel() * leaf.value.element_size() for leaf in self.constants().values())

    def run(
        self,
        replace: Mapping[int, Tensor] | None = None,
        *,
        random: bool = True,
        modes: bool = True,
        around: Callable[[Node, Callable[[], Any]], Any] | None = None,
        until: int | None = None,
    ) -> dict[int, Tensor]:
        """Run the tape again on the live modules and return every value by number.

        replace: values for leaves (other batches) or for results of nodes (free outputs: the node is then still
            run unless all of its outputs are replaced).
        random: restore the recorded generator state before each call, so that dropout repeats itself.
        modes: set the recorded ``training`` flags before each module call.
        around: called as ``around(node, call)`` in place of ``call()``.
        Errors of the user's code pass through.
        """
        if self.derivatives and not torch.is_grad_enabled():
            with torch.enable_grad():
                return self.run(replace, random=random, modes=modes, around=around, until=until)
        values: dict[int, Any] = {number: leaf.value for number, leaf in self.leaves.items()}
        # In-place functions overwrite their argument: give each run its own copies of the constants.
        for number, leaf in self.leaves.items():
            if not leaf.parameter:
                fresh = leaf.value.detach().clone()
                values[number] = fresh.requires_grad_() if leaf.value.requires_grad else fresh
        for number, value in (replace or {}).items():
            values[number] = value.to(self.leaves[number].value.device) if number in self.leaves else value
        for node in self.nodes:
            if (
                replace
                and node.outputs
                and all(number in replace for number in node.outputs if number is not None)
            ):
                continue
            if self.root is None and any(number not in values for number in node.inputs()):
                continue  # an evaluation that adds to what an earlier batch has left
            result = self._call(node, values, random, modes, around)
            for output, value in zip(node.outputs, tensors_of(result), strict=False):
                if output is not None and not (replace and output in replace):
                    values[output] = value
            if until is not None and until in values and until in node.outputs:
                break
        return values

    def loss(self, **options: Any) -> Tensor:
        """Run the tape and return its root."""
        if self.root is None:
            raise ValueError("this tape has no root: it was recorded in evaluation")
        return self.run(**options)[self.root]

    @staticmethod
    def _call(node: Node, values: dict[int, Any], random: bool, modes: bool, around: Any) -> Any:
        def fill(value: Any) -> Any:
            return values[value.index] if isinstance(value, Ref) else value

        args, kwargs = tree_map(fill, (node.args, node.kwargs))
        if modes and node.training is not None and node.module is not None:
            for module, flag in zip(node.module.modules(), node.training, strict=False):
                module.training = flag
        if random and node.rng is not None:
            set_torch_state(node.rng)

        def call() -> Any:
            with ExitStack() as stack:
                if not node.grad_enabled:
                    stack.enter_context(torch.no_grad())
                if node.autocast is not None:
                    device, enabled, dtype = node.autocast
                    stack.enter_context(torch.autocast(device, dtype=dtype, enabled=enabled))
                result = node.target(*args, **kwargs)
            return args[0] if node.name == "__setitem__" else result

        return call() if around is None else around(node, call)

