"""Training by torch.func: the gradient of a function of the weights, which the program then updates itself.

Inside of a transform nothing can be recorded: its tensors live no longer than its call. So the arguments of the first
calls are kept, and when the program has ended the loss function is called again with them, without the transform.
"""

from __future__ import annotations

import contextlib
import functools
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves, tree_map_only

from paramedic.capture.unseen import seen
from paramedic.trace.place import Place, place_of
from paramedic.trace.random_state import TorchState, set_torch_state, torch_state, torch_state_kept
from paramedic.trace.setup import BackwardRecord

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer

KEPT_CALLS = 3
KEPT_BYTES = 64 << 20  # of arguments, and of the buffers that a call may write to


@dataclass(eq=False)
class FunctionalCall:
    """One call of a loss function under ``grad``; loss: its value, where the program asked for it."""

    function: Callable[..., Any]
    argnums: tuple[int, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    rng: TorchState
    place: Place | None
    loss: float = float("nan")


def intercept_functional(observer: Observer) -> None:
    """``torch.func.grad`` and ``grad_and_value`` of a function of weights (a dictionary or a list of tensors)."""

    def make(original: Any, gives_value: bool) -> Any:
        @functools.wraps(original)
        def wrapper(func: Any, argnums: Any = 0, has_aux: bool = False) -> Any:
            transformed = original(func, argnums, has_aux)

            @functools.wraps(transformed)
            def call(*args: Any, **kwargs: Any) -> Any:
                if torch.compiler.is_compiling():
                    return transformed(*args, **kwargs)
                kept = observer.functional_begins(func, argnums, args, kwargs, sys._getframe(1))
                result = transformed(*args, **kwargs)
                if kept is not None:
                    observer.functional_ends(kept, _value(result[1], has_aux) if gives_value else None)
                return result

            return call

        return wrapper

    for name in ("grad", "grad_and_value"):
        make_one = functools.partial(make, gives_value=name == "grad_and_value")
        observer.patches.replace(torch.func, name, make_one)


def _value(value: Any, has_aux: bool) -> Any:
    return value[0] if has_aux else value


def kept_call(function: Any, argnums: Any, args: Any, kwargs: Any, frame: Any, keep: bool) -> FunctionalCall | None:
    """The call with copies of its arguments (without any, unless ``keep``); None if it differentiates no weights."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    weights = [args[number] for number in numbers if number < len(args)]
    tensors = [leaf for leaf in tree_leaves(weights) if isinstance(leaf, Tensor)]
    if not tensors or all(isinstance(item, Tensor) for item in weights):
        return None
    everything = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    if not keep or sum(leaf.numel() * leaf.element_size() for leaf in everything) > KEPT_BYTES:
        return FunctionalCall(function, (), (), {}, TorchState(torch.empty(0)), place_of(frame))
    args, kwargs = tree_map_only(Tensor, lambda leaf: leaf.detach().clone(), (tuple(args), dict(kwargs)))
    return FunctionalCall(function, numbers, args, kwargs, torch_state(), place_of(frame))


def called_again(observer: Observer, call: FunctionalCall) -> BackwardRecord | None:
    """The loss function, called without the transform and recorded; modules' results are what the tape starts from."""
    if not call.argnums:
        return None
    wanted = [
        tree_map_only(Tensor, lambda leaf: leaf.requires_grad_() if leaf.is_floating_point() else leaf, item)
        if number in call.argnums
        else item
        for number, item in enumerate(call.args)
    ]
    recorder = observer.recorder
    with _unharmed(observer), contextlib.redirect_stdout(io.StringIO()), torch.enable_grad():
        recorder.clear()
        set_torch_state(call.rng)
        with seen():
            value = call.function(*wanted, **call.kwargs)
        root = value[0] if isinstance(value, tuple) else value
        tape = recorder.tape(root) if isinstance(root, Tensor) else None
        if tape is None:
            return None
        return BackwardRecord(tape, float(root.detach()), call.place)


@contextmanager
def _unharmed(observer: Observer) -> Iterator[None]:
    """Random numbers and the buffers of all modules as they were."""
    modules = [item for item in observer.setup.constructed if isinstance(item, nn.Module)]
    buffers = [(live, live.detach().clone()) for module in modules for live in vars(module).get("_buffers", {}).values()
               if live is not None]  # fmt: skip
    try:
        with torch_state_kept():
            yield
    finally:
        with torch.no_grad():
            for live, value in buffers:
                if not torch.equal(live, value):
                    live.copy_(value)
