"""Records how a loss is computed outside of modules: a function mode and two global hooks write a tape.

Inside a module that holds parameters nothing is intercepted (fused paths of evaluation stay as they are);
the lab looks inside later, on a replay. Reference for what works: torch.overrides.TorchFunctionMode.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from paramedic.capture.account import Account
from paramedic.capture.transparent_call import call as call_in_place
from paramedic.capture.transparent_call import undecorated
from paramedic.capture.unseen import unseen
from paramedic.capture.validation import single_number
from paramedic.trace.identity import ByIdentity
from paramedic.trace.place import Place, place_of
from paramedic.trace.random_state import torch_state
from paramedic.trace.setup import Source
from paramedic.trace.tape import (
    DERIVATIVE,
    CustomFunction,
    Leaf,
    Node,
    Ref,
    Tape,
    flatten,
    is_derivative,
    map_tensors,
    tensors_of,
)

MAX_NODES = 4000  # of one segment between two steps; a loop over time steps by hand stays below it
LARGE_BYTES = 64 << 20  # a larger constant (a whole dataset as one batch) is kept by reference, not copied
MAX_SCALED = 8  # losses of a step that are scaled before the first backward
RANDOM_WORDS = (
    "dropout",
    "rand",
    "bernoulli",
    "normal",
    "multinomial",
    "gumbel",
    "rrelu",
    "poisson",
    "exponential",
)
ORDERS = ("randperm", "multinomial")  # random, but of the order of rows and not of their values
SELECTIONS = frozenset(
    {"__getitem__", "index_select", "split", "chunk", "tensor_split", "narrow", "take_along_dim"}
)
# Reading these gives tensors that are not computed by the forward pass.
NOT_COMPUTED = frozenset({"grad", "is_leaf", "requires_grad"})
# Most calls of a training step: neither what they take nor what they give is computed by the forward pass.
PASSED = frozenset(
    {getattr(Tensor, name).__get__ for name in ("grad", "grad_fn", "is_leaf", "requires_grad", "shape", "dtype", "device")}
    | {getattr(Tensor, "grad").__set__, Tensor.size, Tensor.dim, Tensor.numel, Tensor.is_floating_point}  # noqa: B009
)


def function_name(function: Any) -> str:
    """ "cross_entropy" for F.cross_entropy, "relu_" for Tensor.relu_, the attribute's name for a getter."""
    name = getattr(function, "__name__", str(function))
    if name == "__get__":
        owner = getattr(function, "__self__", None)
        return getattr(owner, "__name__", name)
    return name


_NOT_INPLACE = frozenset({"__invert__", "__index__", "__int__", "__init__", "__iter__"})


def is_inplace(name: str) -> bool:
    """Whether a tensor method of this name writes into its first argument."""
    if name.startswith("__"):
        return name == "__setitem__" or (name.startswith("__i") and name not in _NOT_INPLACE)
    return name.endswith("_")


def keeps_graph(args: Any, kwargs: Any) -> bool:
    """Whether ``torch.autograd.grad`` with these arguments gives derivatives that a loss may be computed from."""
    return bool(kwargs.get("create_graph", args[4] if len(args) > 4 else False))


def is_transparent(module: nn.Module) -> bool:
    """Whether a module called by the training loop is looked into: loss functions, activations, dropout."""
    if next(module.parameters(), None) is not None:
        return False
    return isinstance(module, nn.modules.loss._Loss) or next(module.buffers(), None) is None


def transforming() -> bool:
    """Whether a transform of torch.func (grad, vmap, ...) is running: its tensors live no longer than its call."""
    return torch._C._functorch.peek_interpreter_stack() is not None


class Recorder(TorchFunctionMode):
    """Writes nodes while ``recording``; the observer opens and closes it and takes tapes at backward.

    Values are recognized by the identity of live tensors (weak references): nothing of the program's is kept
    alive but copies of the constants that a loss depends on.
    """

    def __init__(self, account: Account) -> None:
        super().__init__()
        self.account = account
        self.recording = False
        self.cutting = False  # modules' results are where tapes start
        self.depth = 0
        self.problem: str | None = None
        self.failed: Node | None = None  # the last call that raised
        self.watch_updates = False  # from the first backward on
        self.written: Place | None = None  # where the program wrote to a parameter by itself after the last backward
        self.nodes: list[Node] = []
        self.consumed: set[Node] = set()  # nodes that a backward call or an evaluation record has taken
        self._foreign: set[int] = set()  # numbers of tensors with a graph that nobody recorded
        self._mark = 0
        self._segment = 0
        self._unscaled: dict[int, tuple[Any, Any]] = {}
        self.leaves: dict[int, Leaf] = {}
        self.bytes = 0
        self._next = 0
        self._known: dict[int, tuple[Any, int]] = {}
        self._copies: dict[int, tuple[Any, int, Tensor]] = {}
        self._sources: dict[int, tuple[Any, Source]] = {}
        self._random: dict[int, tuple[Any, None]] = {}  # tensors that random numbers went into
        self._transparent = ByIdentity()  # by module
        self._open_call: tuple[nn.Module, Node] | None = None
        self.parameters: set[int] = set()  # ids of tensors that some optimizer or model holds
        self.froze: dict[int, tuple[Any, Place | None]] = {}  # where requires_grad was set to False

    # -- what the observer asks for -------------------------------------------------------------------------

    def clear(self) -> None:
        """Forget all nodes; sources and copies of constants stay for the next step."""
        self.nodes, self.leaves, self._known, self._unscaled = [], {}, {}, {}
        self.consumed.clear()
        self._mark = self._segment = 0
        self.problem = None
        self._forget_dead()

    def begin_again(self) -> None:
        """Forget everything of the training before: another one begins."""
        self.clear()
        self.bytes = 0
        self.parameters.clear()
        self.written = None
        for key, (reference, source) in list(self._sources.items()):
            if source.loader is not None:
                self._sources[key] = (reference, replace(source, loader=None, drawn=None))

    def _forget_dead(self) -> None:
        for table in (self._copies, self._sources, self._random):
            for key in [key for key, entry in table.items() if entry[0]() is None]:  # type: ignore[attr-defined]
                del table[key]  # type: ignore[attr-defined]

    def retire(self) -> list[Node]:
        """After an optimizer step: drop what was recorded before the last one; the dropped unconsumed nodes."""
        dropped, self.nodes = self.nodes[: self._mark], self.nodes[self._mark :]
        self._segment = max(0, self._segment - len(dropped))
        self._mark = len(self.nodes)
        left = [node for node in dropped if node not in self.consumed]
        self.consumed.difference_update(dropped)
        needed = {number for node in self.nodes for number in (*node.inputs(), *node.outputs)}
        self._known = {
            key: entry
            for key, entry in self._known.items()
            if entry[0]() is not None
            and (entry[1] in needed or (entry[1] in self.leaves and self.leaves[entry[1]].parameter))
        }
        self._retired = self.leaves if left else {}
        kept = {number for _, number in self._known.values()}
        self.leaves = {
            number: leaf for number, leaf in self.leaves.items() if number in needed or number in kept
        }
        self._unscaled.clear()
        self.problem = None
        if max(len(self._sources), len(self._copies), len(self._random)) > 2000:
            self._forget_dead()
        return left

    def segment(self) -> list[Node]:
        """Unconsumed nodes since the last call of this method."""
        nodes = [node for node in self.nodes[self._segment :] if node not in self.consumed]
        self._segment = len(self.nodes)
        return nodes

    def detached_tape(self, nodes: list[Node]) -> Tape:
        """A tape without a root from some nodes and the leaves that they read."""
        leaves = {**getattr(self, "_retired", {}), **self.leaves}
        needed = {number for node in nodes for number in node.inputs()}
        return Tape(nodes, {number: leaf for number, leaf in leaves.items() if number in needed}, None, False)

    def number_of(self, tensor: Tensor) -> int | None:
        entry = self._known.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def alias(self, new: Tensor, old: Tensor) -> None:
        """Let ``new`` stand for ``old`` (a scaled loss for the loss)."""
        number = self.number_of(old)
        if number is not None:
            self._known[id(new)] = (weakref.ref(new), number)
        elif not self.recording and len(self._unscaled) >= MAX_SCALED:
            self._unscaled.clear()
        self._unscaled[id(new)] = (weakref.ref(new), weakref.ref(old))

    def unscaled(self, root: Tensor) -> Tensor:
        """The loss that ``root`` is a scaled copy of, or ``root`` itself."""
        entry = self._unscaled.get(id(root))
        original = entry[1]() if entry is not None and entry[0]() is root else None
        return root if original is None else original

    def tape(self, root: Tensor) -> Tape | None:
        """The pruned tape of a loss; None if the loss was not computed by recorded calls."""
        number = self.number_of(root)
        if number is None or len(self.nodes) >= MAX_NODES:
            return None
        tape = Tape(self.nodes, self.leaves, number).pruned(number)
        if any(number in self._foreign for number in tape.leaves):
            self.problem = self.problem or "the loss depends on a tensor that was computed outside of what was recorded"
        return tape if tape.nodes else None

    def loose_leaves(self, tape: Tape) -> list[tuple[Leaf, Tensor]]:
        """Leaves that want a gradient and belong to nobody, with their tensors: data so far, unless they are trained."""
        wanted = {n for n, leaf in tape.leaves.items() if leaf.value.requires_grad and not leaf.parameter}
        if not wanted:
            return []
        live = [(entry[1], entry[0]()) for entry in self._known.values() if entry[1] in wanted]
        return [(tape.leaves[number], tensor) for number, tensor in live if tensor is not None and tensor.is_leaf]

    def tag(self, tensor: Tensor, source: Source) -> None:
        self._sources[id(tensor)] = (weakref.ref(tensor), source)

    def source_of(self, tensor: Tensor) -> Source | None:
        entry = self._sources.get(id(tensor))
        return entry[1] if entry is not None and entry[0]() is tensor else None

    def is_transparent(self, module: nn.Module) -> bool:
        known = self._transparent.get(module)
        if known is None:
            known = self._transparent[module] = is_transparent(module)
        return known

    # -- recording ------------------------------------------------------------------------------------------

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in PASSED:
            return call_in_place(func, args, kwargs)
        func = undecorated(func)
        if getattr(func, "__name__", "") in ("requires_grad_", "__set__"):
            self._note_freezing(func, args, kwargs)
        if not self.recording or self.depth or transforming():
            return call_in_place(func, args, kwargs)
        self.account.begins()
        try:
            with unseen():
                node = self._before(func, args, kwargs)
        except Exception as error:
            node = None
            self.problem = f"{type(error).__name__} while recording {function_name(func)}: {error}"
        finally:
            self.account.ends()
        try:
            result = call_in_place(func, args, kwargs)
        except Exception:
            self.failed = node
            raise
        self.account.begins()
        try:
            with unseen():
                self._after(node, func, args, kwargs, result)
        except Exception as error:
            self.problem = f"{type(error).__name__} while recording {function_name(func)}: {error}"
        finally:
            self.account.ends()
        return result

    def custom_function(self, function: Any, call: Any, args: Any, kwargs: Any) -> Any:
        """One node for ``Function.apply``; what its forward does inside is not recorded."""
        target = CustomFunction(function)
        try:
            with unseen():
                node = self._before(target, args, kwargs)
        except Exception as error:
            node, self.problem = None, f"{type(error).__name__} while recording {target.__name__}: {error}"
        self.recording = False
        try:
            result = call(*args, **kwargs)
        except Exception:
            self.failed = node
            raise
        finally:
            self.recording = True
        try:
            with unseen():
                self._after(node, target, args, kwargs, result)
        except Exception as error:
            self.problem = f"{type(error).__name__} while recording {target.__name__}: {error}"
        return result

    def _note_freezing(self, func: Any, args: Any, kwargs: Any) -> None:
        """Remember the place of ``p.requires_grad = False`` and ``p.requires_grad_(False)``."""
        try:
            if func.__name__ == "__set__" and getattr(func.__self__, "__name__", "") != "requires_grad":
                return
            wanted = kwargs.get("requires_grad", args[1] if len(args) > 1 else True)
            if not wanted and args[0].is_leaf and args[0].requires_grad and len(self.froze) < 100_000:
                self.froze[id(args[0])] = (weakref.ref(args[0]), place_of(sys._getframe(2)))
        except Exception as error:
            self.problem = f"{type(error).__name__} while recording {function_name(func)}: {error}"

    def _before(self, func: Any, args: Any, kwargs: Any) -> Node | None:
        name = function_name(func)
        if len(self.nodes) >= MAX_NODES:
            return None
        if is_derivative(func):
            if not keeps_graph(args, kwargs):
                return None
            name = DERIVATIVE
        elif name in NOT_COMPUTED:
            return None
        inputs = [item for item in flatten((args, kwargs)) if isinstance(item, Tensor)]
        if not any(self._tracked(item) for item in inputs):
            return None
        if name in ("data", "__set__"):
            self._note_writing()
        rng = torch_state() if any(word in name for word in RANDOM_WORDS) else None
        if is_inplace(name) and args and isinstance(args[0], Tensor):
            if args[0].requires_grad and args[0].is_leaf:
                self._note_writing()
                return None
            self._copies.pop(id(args[0]), None)
        return self._node(func, name, args, kwargs, place_of(sys._getframe(2)), rng)

    def _note_writing(self) -> None:
        if self.watch_updates and self.written is None:
            self.written = place_of(sys._getframe(3))

    def _node(self, target: Any, name: str, args: Any, kwargs: Any, place: Place | None, rng: Any) -> Node:
        args, kwargs = map_tensors(self._ref, (tuple(args), dict(kwargs)))
        enabled = torch.is_grad_enabled()
        return Node(
            target, name, args, kwargs, [], place, rng=rng, autocast=_autocast(), grad_enabled=enabled
        )

    def _after(self, node: Node | None, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        if node is None:
            self._inherit(func, args, kwargs, result)
            return
        if node.name == "__setitem__":
            result = args[0]
        if result is not None:
            if not node.grad_enabled:
                node.value = single_number(args, result)
            self._finish(node, result)

    def start_from(self, value: Any) -> None:
        """Tapes start from a module's result, and not from its inputs."""
        for tensor in tensors_of(value):
            if isinstance(tensor, Tensor) and tensor.requires_grad and not tensor.is_leaf:
                number = self._new(tensor)
                self.leaves[number] = Leaf(tensor.detach().clone().requires_grad_())

    def _finish(self, node: Node, value: Any) -> None:
        outputs = tensors_of(value)
        node.grad = any(isinstance(item, Tensor) and item.requires_grad for item in outputs)
        # A leaf that requires a gradient is a parameter that was written to (initialization), not a result; but for
        # a result that derivatives are wanted by.
        asked = node.name == "requires_grad_"
        node.outputs = [
            self._new(item)
            if isinstance(item, Tensor) and (asked or not (item.is_leaf and item.requires_grad))
            else None
            for item in outputs
        ]
        if any(number is not None for number in node.outputs):
            self.nodes.append(node)

    def _tracked(self, tensor: Tensor) -> bool:
        number = self.number_of(tensor)
        if number is not None and number not in self.leaves:
            return True
        return tensor.requires_grad

    def _new(self, tensor: Tensor) -> int:
        self._next += 1
        self._known[id(tensor)] = (weakref.ref(tensor), self._next)
        return self._next

    def _ref(self, tensor: Tensor) -> Ref:
        number = self.number_of(tensor)
        if number is not None:
            return Ref(number)
        number = self._new(tensor)
        if tensor.requires_grad and tensor.grad_fn is not None:
            self._foreign.add(number)
        parameter = tensor.requires_grad and tensor.is_leaf and id(tensor) in self.parameters
        parameter = parameter or isinstance(tensor, nn.Parameter)
        value = tensor if parameter else self._copy(tensor)
        self.leaves[number] = Leaf(value, parameter, None if parameter else self.source_of(tensor))
        return Ref(number)

    def _copy(self, tensor: Tensor) -> Tensor:
        version = -1 if tensor.is_inference() else tensor._version
        entry = self._copies.get(id(tensor))
        if entry is not None and entry[0]() is tensor and entry[1] == version >= 0:
            return entry[2]
        large = tensor.numel() * tensor.element_size() > LARGE_BYTES
        copy = tensor.detach() if large else tensor.detach().clone()
        if type(copy) is not type(tensor) and not isinstance(tensor, nn.Parameter):
            copy = copy.as_subclass(type(tensor))
        if tensor.requires_grad and tensor.is_leaf:
            copy.requires_grad_()
        self.bytes += 0 if large else copy.numel() * copy.element_size()
        self._copies[id(tensor)] = (weakref.ref(tensor), version, copy)
        return copy

    def _inherit(self, func: Any, args: Any, kwargs: Any, result: Any) -> None:
        """Preparation of the batch: remember where the result came from, and whether random numbers went into it."""
        name = function_name(func)
        if not isinstance(result, (Tensor, tuple, list)) and name != "__setitem__":
            return
        inputs = [item for item in flatten((args, kwargs)) if isinstance(item, Tensor)]
        drawn = _draws(name) or any(self._is_random(item) for item in _values_among(name, inputs))
        if name == "__setitem__":
            if not drawn:
                return
            result = args[0]
        noise = name.startswith("rand")  # of the shape of the data, but nothing of them
        source = None if noise else self._source_of_result(name, args, inputs, result)
        if source is not None and source.path in SELECTIONS and source.path == name:
            drawn = False  # rows of an array: it may have been made of random numbers, but once and for all
        elif source is not None and drawn and name not in SELECTIONS:
            met = _draws(name) or any(self._is_random(item) and self.source_of(item) is None for item in inputs)
            earlier = next((s.random for item in inputs if (s := self.source_of(item)) and s.random), None)
            source = replace(source, random=place_of(sys._getframe(3)) if met else earlier)
        for item in tensors_of(result):
            if not isinstance(item, Tensor):
                continue
            if drawn:
                self._random[id(item)] = (weakref.ref(item), None)
            if source is not None and (drawn or self.source_of(item) is None):
                self.tag(item, source)

    def _is_random(self, tensor: Tensor) -> bool:
        entry = self._random.get(id(tensor))
        return entry is not None and entry[0]() is tensor

    def _source_of_result(self, name: str, args: Any, inputs: list[Tensor], result: Any) -> Source | None:
        if name in SELECTIONS and inputs:  # the array counts, and not where its index came from
            source = self.source_of(inputs[0])
            if (source is None or source.loader is None) and _selects_rows(inputs[0], result):
                return Source(origin=inputs[0], index=_index(args[-1]) if len(args) > 1 else None, path=name)
        else:
            sources = [found for item in inputs if (found := self.source_of(item)) is not None]
            # rows of a loader are data; a table that they are scaled by (noise levels, class weights) is a setting
            source = next((item for item in sources if item.loader is not None), sources[0] if sources else None)
        if source is None or name in ("__get__", "size", "shape"):
            return source
        return replace(source, operations=(*source.operations, name))

    # -- module calls ---------------------------------------------------------------------------------------

    def enter_module(self, module: nn.Module, args: Any) -> bool:
        """Called before a module's forward at depth 0; True if it becomes one node (and depth grows)."""
        if self.is_transparent(module):
            return False
        if self.recording and self._open_call is None and len(self.nodes) < MAX_NODES:
            place = place_of(sys._getframe(2))
            node = self._node(module, type(module).__name__, args, {}, place, torch_state())
            node.training = tuple(item.training for item in module.modules())
            self._open_call = (module, node)
        return True

    def leave_module(self, module: nn.Module, kwargs: Any, result: Any) -> None:
        """Called after the forward of a module that ``enter_module`` took; a failed forward leaves no node."""
        if self._open_call is None or self._open_call[0] is not module:
            return
        _, node = self._open_call
        self._open_call = None
        if result is None:
            self.failed = node
        elif self.cutting:
            self.start_from(result)
        else:
            node.kwargs = map_tensors(self._ref, dict(kwargs))
            self._finish(node, result)


def _draws(name: str) -> bool:
    """Whether a function of this name draws random values."""
    return any(word in name for word in RANDOM_WORDS) and "normalize" not in name and name not in ORDERS


def _values_among(name: str, inputs: list[Tensor]) -> list[Tensor]:
    """The tensors whose values go into the result: not the index of a selection."""
    return inputs[:1] if name in SELECTIONS else inputs


def _index(value: Any) -> Any:
    """What rows were picked by: a NumPy array of row numbers or a mask as a tensor, as it was at that moment."""
    if isinstance(value, tuple):
        return tuple(_index(item) for item in value)
    if isinstance(value, np.ndarray) and value.dtype.kind in "iub":
        return torch.from_numpy(value.astype(bool if value.dtype.kind == "b" else np.int64))
    return value


def _selects_rows(array: Tensor, result: Any) -> bool:
    """Whether the result is a part of the array's rows: then it is cut from this array."""
    first = next((item for item in tensors_of(result) if isinstance(item, Tensor)), None)
    return first is not None and array.dim() > 0 and (first.dim() == 0 or first.shape[0] != array.shape[0])


def _autocast() -> tuple[str, bool, torch.dtype] | None:
    for device in ("cpu", "cuda"):
        if torch.is_autocast_enabled(device):
            return (device, True, torch.get_autocast_dtype(device))
    return None
