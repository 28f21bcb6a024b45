"""Runs a tape again and logs every torch function on the way, inside and outside of modules."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as module_hooks
from torch.nn.utils.parametrize import ParametrizationList
from torch.overrides import TorchFunctionMode

from paramedic.checks.check import NotChecked
from paramedic.trace.place import Place, is_user_file, place_of
from paramedic.trace.tape import DERIVATIVE, Node, Tape, flatten, is_derivative, tensors_of

# Functions of torch.nn.functional that compare a prediction (first argument) with a target (second).
LOSS_FUNCTIONS = frozenset(
    {
        "cross_entropy",
        "nll_loss",
        "binary_cross_entropy",
        "binary_cross_entropy_with_logits",
        "mse_loss",
        "l1_loss",
        "smooth_l1_loss",
        "huber_loss",
        "kl_div",
        "poisson_nll_loss",
        "gaussian_nll_loss",
        "soft_margin_loss",
        "hinge_embedding_loss",
        "multilabel_margin_loss",
        "multilabel_soft_margin_loss",
        "multi_margin_loss",
        "ctc_loss",
        "cosine_embedding_loss",
        "margin_ranking_loss",
        "triplet_margin_loss",
    }
)
ARITHMETIC_JOINS = frozenset(
    {
        "sub",
        "__sub__",
        "__rsub__",
        "rsub",
        "mul",
        "__mul__",
        "__rmul__",
        "gather",
        "__getitem__",
        "div",
        "where",
        "eq",
        "pow",
        "minimum",
        "maximum",
        "dist",
        "cdist",
        "cosine_similarity",
        "bmm",
        "matmul",
        "einsum",
        "dot",
        "xlogy",
        "add",
        "__add__",
        "__radd__",
        "subtract",
        "multiply",
        "pairwise_distance",
    }
)
# Called inside others with the same meaning: their parent is the operation that a person wrote.
_GETTERS = frozenset(
    {
        "shape",
        "device",
        "dtype",
        "is_cuda",
        "layout",
        "ndim",
        "grad",
        "requires_grad",
        "is_sparse",
        "is_nested",
        "size",
        "dim",
        "numel",
        "is_floating_point",
        "is_complex",
        "stride",
        "__len__",
        "is_quantized",
        "is_leaf",
        "names",
        "grad_fn",
        "is_contiguous",
        "data_ptr",
        "item",
        "tolist",
    }
)


_EXITS = frozenset({"item", "tolist"})


def operation_name(function: Any) -> str:
    """ "cross_entropy" for F.cross_entropy; the attribute's name for a property."""
    name = getattr(function, "__name__", str(function))
    if name == "__get__":
        return getattr(getattr(function, "__self__", None), "__name__", name)
    return DERIVATIVE if is_derivative(function) else name


@dataclass(eq=False)
class Operation:
    """One torch function call of a replay.

    inputs, outputs: the tensors among arguments and results, in order (live; do not write to them).
    place: the user's line. module_path: dotted path of the innermost module, None outside of modules.
    module: that module. node: the tape's node that the call belongs to.
    """

    name: str
    function: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: list[Tensor]
    outputs: list[Tensor]
    place: Place | None
    module_path: str | None
    module: nn.Module | None
    node: Node | None

    @property
    def requires_grad(self) -> bool:
        return any(item.requires_grad for item in self.outputs)

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """An argument by position or keyword."""
        if name in self.kwargs:
            return self.kwargs[name]
        return self.args[position] if len(self.args) > position else default


@dataclass(eq=False)
class Operations:
    """A replayed tape: its operations in order, all values by number, and the loss with its graph.

    error: the exception that ended the replay early, if one did (a crash of the program repeats itself);
    failed: the operation that raised it.
    exits: calls that turn a tensor with a gradient into Python numbers (``tolist``, ``item``). nbytes: of all results.
    """

    calls: list[Operation] = field(default_factory=list)
    values: dict[int, Any] = field(default_factory=dict)
    root: Tensor | None = None
    error: BaseException | None = None
    failed: Operation | None = None
    module_outputs: list[tuple[str, nn.Module, Any]] = field(default_factory=list)
    exits: list[Operation] = field(default_factory=list)
    nbytes: int = 0

    def derivatives(self) -> bool:
        """Whether the loss is computed from derivatives of what the network computes (``torch.autograd.grad``).

        Free outputs have none, so what such a loss can reach is not known.
        """
        return any(call.name == DERIVATIVE for call in self.on_path())

    def on_path(self) -> list[Operation]:
        """The operations that the root depends on, in order."""
        if self.root is None:
            return list(self.calls)
        needed, path = {id(self.root)}, []
        for call in reversed(self.calls):
            if any(id(item) in needed for item in call.outputs):
                path.append(call)
                needed.update(id(item) for item in call.inputs)
        return path[::-1]


class Watch:
    """Looks at every operation of a replay as it happens: values may be overwritten later."""

    def before(self, call: Operation) -> None:
        """Before the call; ``call.outputs`` is still empty."""

    def after(self, call: Operation) -> None:
        """After the call."""


class _Log(TorchFunctionMode):
    """room: bytes that the results may take, all of which are kept."""

    def __init__(
        self, operations: Operations, paths: dict[int, str], stack: list[nn.Module], watch: Watch | None, room: float
    ) -> None:
        super().__init__()
        self.operations, self.paths, self.stack, self.watch, self.room = operations, paths, stack, watch, room
        self._counted: set[int] = set()  # addresses of results' memory
        self.node: Node | None = None
        self.running = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = operation_name(func)
        if name in _GETTERS and not (name in _EXITS and args and args[0].requires_grad):
            return func(*args, **kwargs)
        return self.call(name, func, args, kwargs)

    def call(self, name: str, func: Any, args: Any, kwargs: Any) -> Any:
        """Call ``func`` and log it; a failure is kept in ``failed`` and passes through."""
        inputs = [item for item in flatten((args, kwargs)) if isinstance(item, Tensor)]
        place = _place_inside(sys._getframe(2)) or (self.node.place if self.node is not None else None)
        module = self.stack[-1] if self.stack else None
        path = next((self.paths[id(item)] for item in reversed(self.stack) if id(item) in self.paths), None)
        call = Operation(name, func, tuple(args), kwargs, inputs, [], place, path, module, self.node)
        if name in _EXITS:
            self.operations.exits.append(call)
            return func(*args, **kwargs)
        if self.watch is not None:
            self.watch.before(call)
        try:
            result = func(*args, **kwargs)
        except Exception:
            self.operations.failed = self.operations.failed or call
            raise
        value = args[0] if name == "__setitem__" else result
        call.outputs = [item for item in tensors_of(value) if isinstance(item, Tensor)]
        if call.outputs:
            self._count(call.outputs)
            self.operations.calls.append(call)
            if self.watch is not None:
                self.watch.after(call)
        return result


    def _count(self, outputs: list[Tensor]) -> None:
        for item in outputs:
            if item.layout is torch.strided and (address := item.untyped_storage().data_ptr()) not in self._counted:
                self._counted.add(address)
                self.operations.nbytes += item.untyped_storage().nbytes()
        if self.operations.nbytes > self.room:
            raise NotChecked(
                f"no room to look into a step: its results take more than {self.room / 1e9:.1f} GB, half of what is free"
            )


@contextmanager
def _custom_functions(log: _Log) -> Iterator[None]:
    """Log calls of custom autograd Functions too: no function mode sees them. Put back when the block ends."""
    original = vars(torch.autograd.Function)["apply"]

    def apply(cls: Any, *args: Any, **kwargs: Any) -> Any:
        call = functools.partial(original.__func__, cls)
        return log.call(cls.__name__, call, args, kwargs) if log.running else call(*args, **kwargs)

    torch.autograd.Function.apply = classmethod(apply)  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.autograd.Function.apply = original  # type: ignore[method-assign]


def _place_inside(frame: Any) -> Place | None:
    """The user's innermost place within the replayed call (not beyond it: a notebook may call the lab)."""
    inner = frame
    while inner is not None and inner.f_code is not _REPLAY:
        if is_user_file(inner.f_code.co_filename):
            return place_of(inner)
        inner = inner.f_back
    return None


_REPLAY = Tape.run.__code__


@contextmanager
def _module_stack(operations: Operations, stack: list[nn.Module], paths: dict[int, str]) -> Iterator[None]:
    def before(module: nn.Module, args: Any) -> None:
        stack.append(module)

    def after(module: nn.Module, args: Any, result: Any) -> None:
        if stack and stack[-1] is module:
            stack.pop()
        if any(isinstance(item, ParametrizationList) for item in (module, *stack)):
            return  # it computes a weight, and passes nothing of a sample on
        operations.module_outputs.append((paths.get(id(module), type(module).__name__), module, result))

    handles = (
        module_hooks.register_module_forward_pre_hook(before),
        module_hooks.register_module_forward_hook(after, always_call=True),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def log_operations(
    tape: Tape, paths: dict[int, str], watch: Watch | None = None, room: float = math.inf, **options: Any
) -> Operations:
    """Run ``tape`` with everything logged; ``paths`` maps ids of modules to their dotted paths.

    options: as of ``Tape.run``; what ``around`` does to a call is logged, and not the call as it was. An exception of
    the program's code ends the log and is kept in ``error``. room: bytes; NotChecked where the results take more.
    """
    inner = options.pop("around", None)
    operations, stack = Operations(), list[nn.Module]()
    log = _Log(operations, paths, stack, watch, room)

    def around(node: Node, call: Any) -> Any:
        log.node, log.running = node, True
        try:
            with log:
                return call() if inner is None else inner(node, call)
        finally:
            log.running = False

    with _module_stack(operations, stack, paths), _custom_functions(log):
        try:
            operations.values = tape.run(around=around, **options)
        except NotChecked:
            raise
        except Exception as error:
            operations.error = error
    if tape.root is not None and operations.error is None:
        operations.root = operations.values.get(tape.root)
    return operations


@dataclass(eq=False)
class LossCall:
    """One comparison of a prediction with a target.

    name: the function of torch.nn.functional, or "arithmetic" for a comparison by hand (``operation`` is then
        the first operation in which prediction and target meet).
    input: the tensor that depends on the model; target: the one that does not.
    """

    name: str
    input: Tensor
    target: Tensor | None
    kwargs: dict[str, Any]
    place: Place | None
    module_path: str | None
    operation: Operation

    @property
    def by_hand(self) -> bool:
        return self.name == "arithmetic"

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        return self.operation.argument(position, name, default)


def loss_calls(operations: Operations) -> list[LossCall]:
    """The comparisons on the way to the root: library functions first; by hand only where there are none.

    Joined by hand: an operation outside of parametric modules between a tensor that depends on a model and one
    with more than one element that needs no gradient and is not itself computed from the model.
    """
    path = operations.on_path()
    library = [_library_call(call) for call in path if call.name in LOSS_FUNCTIONS and len(call.inputs) >= 1]
    found = [call for call in library if call is not None]
    return found if found else _joins(path, operations)


def _library_call(call: Operation) -> LossCall | None:
    prediction, target = call.argument(0, "input"), call.argument(1, "target")
    if not isinstance(prediction, Tensor):
        return None
    if isinstance(target, Tensor) and target.requires_grad and not prediction.requires_grad:
        prediction, target = (
            target,
            prediction,
        )  # mse_loss(target, prediction): symmetric losses are often swapped
    return LossCall(
        call.name,
        prediction,
        target if isinstance(target, Tensor) else None,
        call.kwargs,
        call.place,
        call.module_path,
        call,
    )


def _joins(path: list[Operation], operations: Operations) -> list[LossCall]:
    computed = {id(item) for call in operations.calls if _inside_parametric(call) for item in call.outputs}
    joins: list[LossCall] = []
    for call in path:
        if _inside_parametric(call):
            continue
        mine = [item for item in call.inputs if id(item) in computed]
        other = [item for item in call.inputs if id(item) not in computed and not item.requires_grad]
        if mine:
            computed.update(id(item) for item in call.outputs)
        other = [item for item in other if item.numel() > 1]
        if mine and other and call.name in ARITHMETIC_JOINS:
            joins.append(
                LossCall("arithmetic", mine[0], other[0], call.kwargs, call.place, call.module_path, call)
            )
            break
    return joins


def _inside_parametric(call: Operation) -> bool:
    """Whether a call belongs to the network: in a tape node that is a module, or with parameters as inputs."""
    if call.node is not None and call.node.module is not None:
        return True
    return any(
        isinstance(item, nn.Parameter) or (item.is_leaf and item.requires_grad) for item in call.inputs
    )
