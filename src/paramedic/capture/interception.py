"""Which functions of torch are wrapped, and what the observer is told."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from paramedic.capture.functional import intercept_functional
from paramedic.capture.patches import noting_construction
from paramedic.capture.recorder import keeps_graph

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer


def intercept(observer: Observer) -> None:
    """Install every patch and hook of an observer; ``observer.remove`` takes them back."""
    _autograd(observer)
    _functions(observer)
    _optimizers(observer)
    _modules(observer)
    _data(observer)
    _schedulers(observer)
    _clipping(observer)
    _scaler(observer)
    _compile(observer)
    intercept_functional(observer)


def calibrate(observer: Observer) -> None:
    """Measure what a wrapper costs where it finds nothing to do."""

    def bare() -> None:
        pass

    @functools.wraps(bare)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if observer.elsewhere:
            return bare(*args, **kwargs)
        observer.nothing()
        return bare(*args, **kwargs)

    observer.account.calibrate(bare, wrapper)


def _autograd(observer: Observer) -> None:
    def backward(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if observer.elsewhere:
                return original(tensors, *args, **kwargs)
            outermost = observer._backward_depth == 0
            if outermost:
                observer.before_backward(tensors, sys._getframe(1))
            observer._backward_depth += 1
            try:
                return original(tensors, *args, **kwargs)
            finally:
                observer._backward_depth -= 1
                if outermost:
                    observer.after_backward()

        return wrapper

    def grad(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(outputs: Any, *args: Any, **kwargs: Any) -> Any:
            if observer.elsewhere:
                return original(outputs, *args, **kwargs)
            outermost = observer._backward_depth == 0 and not keeps_graph((outputs, *args), kwargs)
            if outermost:
                observer.before_backward(outputs, sys._getframe(1))
            observer._backward_depth += 1
            found: Any = ()
            try:
                found = original(outputs, *args, **kwargs)
                return found
            finally:
                observer._backward_depth -= 1
                if outermost:
                    observer.after_backward(args[0] if args else kwargs.get("inputs"), found)

        return wrapper

    observer.patches.replace(torch.autograd, "backward", backward)
    observer.patches.replace(torch.autograd, "grad", grad)
    for context in (torch.no_grad, torch.inference_mode):
        observer.patches.replace(context, "__enter__", _then(observer.gradients_disabled))


def _functions(observer: Observer) -> None:
    """Custom autograd Functions called by the training loop itself: no function mode sees them."""

    def make(original: Any) -> Any:
        @functools.wraps(original.__func__)
        def wrapper(cls: Any, *args: Any, **kwargs: Any) -> Any:
            recorder = observer.recorder
            if not recorder.recording or recorder.depth or observer.elsewhere:
                return original.__func__(cls, *args, **kwargs)
            return recorder.custom_function(cls, functools.partial(original.__func__, cls), args, kwargs)

        return classmethod(wrapper)

    observer.patches.replace(torch.autograd.Function, "apply", make)


def _then(notify: Any) -> Any:
    """Wrap a method so that ``notify()`` is called after it."""

    def make(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            notify()
            return result

        return wrapper

    return make


def _optimizers(observer: Observer) -> None:
    from torch.optim.optimizer import (
        Optimizer,
        register_optimizer_step_post_hook,
        register_optimizer_step_pre_hook,
    )

    def pre(optimizer: Any, args: Any, kwargs: Any) -> None:
        closure = kwargs.get("closure", args[1] if len(args) > 1 else None)
        observer.before_step(optimizer, closure is not None)

    def post(optimizer: Any, args: Any, kwargs: Any) -> None:
        observer.after_step(optimizer)

    def construct(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            observer.optimizer_constructed(self, sys._getframe(1))
            return result

        return wrapper

    def zero(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if observer.idle:
                return original(self, *args, **kwargs)
            observer.zero_grad(self, sys._getframe(1))
            lifted = observer.erasing_begins()
            try:
                result = original(self, *args, **kwargs)
            finally:
                observer.erasing_ends(lifted)
            observer.after_zero_grad(self)
            return result

        return wrapper

    observer._handles.append(register_optimizer_step_pre_hook(pre))
    observer._handles.append(register_optimizer_step_post_hook(post))
    observer.patches.replace(Optimizer, "__init__", construct)
    observer.patches.replace(Optimizer, "zero_grad", zero)
    observer.patches.replace(nn.Module, "zero_grad", zero)


def _modules(observer: Observer) -> None:
    depth = 0

    def train(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, mode: bool = True) -> Any:
            nonlocal depth
            if observer.elsewhere:
                return original(self, mode)
            depth += 1
            try:
                result = original(self, mode)
            finally:
                depth -= 1
            if depth == 0:
                observer.mode_changed(self, mode, sys._getframe(1))
            return result

        return wrapper

    def load(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            result = original(self, *args, **kwargs)
            observer.loaded(self)
            return result

        return wrapper

    observer.patches.replace(nn.Module, "__init__", noting_construction(observer))
    observer.patches.replace(nn.Module, "train", train)
    observer.patches.replace(nn.Module, "load_state_dict", load)


def _data(observer: Observer) -> None:
    from torch.utils.data import DataLoader
    from torch.utils.data.dataloader import _BaseDataLoaderIter

    def iterator(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, loader: Any, *args: Any, **kwargs: Any) -> Any:
            original(self, loader, *args, **kwargs)
            observer.pass_begins(self, loader, sys._getframe(1))

        return wrapper

    def reset(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, loader: Any, first_iter: bool = False) -> Any:
            observer.choices_forgotten(self)
            result = original(self, loader, first_iter)
            if not first_iter:
                observer.pass_begins(self, loader, sys._getframe(1))
            return result

        return wrapper

    def draw(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any) -> Any:
            if observer.idle:
                batch = original(self)
                observer.batch_drawn(self, batch)
                return batch
            lifted = observer.drawing_begins()
            try:
                batch = original(self)
            finally:
                observer.drawing_ends(lifted)
            observer.batch_drawn(self, batch)
            return batch

        return wrapper

    def choose(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any) -> Any:
            chosen = original(self)
            observer.rows_chosen(self, chosen)
            return chosen

        return wrapper

    observer.patches.replace(DataLoader, "__init__", noting_construction(observer))
    observer.patches.replace(_BaseDataLoaderIter, "__init__", iterator)
    observer.patches.replace(_BaseDataLoaderIter, "_reset", reset)
    observer.patches.replace(_BaseDataLoaderIter, "__next__", draw)
    observer.patches.replace(_BaseDataLoaderIter, "_next_index", choose)


def _schedulers(observer: Observer) -> None:
    import torch.optim.lr_scheduler as schedulers

    constructing: list[int] = []

    def construct(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if observer.elsewhere:
                return original(self, *args, **kwargs)
            constructing.append(id(self))
            try:
                original(self, *args, **kwargs)
            finally:
                constructing.pop()
            if not constructing:
                observer.scheduler_constructed(self, sys._getframe(1))

        return wrapper

    stepping: list[int] = []

    def step(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            if observer.elsewhere:
                return original(self, *args, **kwargs)
            outermost = not constructing and not stepping
            if outermost:
                observer.scheduler_stepped(self, sys._getframe(1))
            plateau = outermost and isinstance(self, schedulers.ReduceLROnPlateau)
            before = observer.rate_found(self) if plateau else None
            stepping.append(id(self))
            try:
                result = original(self, *args, **kwargs)
            finally:
                stepping.pop()
            if plateau:
                observer.plateau_stepped(self, before, args[0] if args else kwargs.get("metrics"))
            return result

        return wrapper

    for item in list(vars(schedulers).values()):
        if isinstance(item, type) and issubclass(item, schedulers.LRScheduler):
            if "__init__" in vars(item):
                observer.patches.replace(item, "__init__", construct)
            if "step" in vars(item):
                observer.patches.replace(item, "step", step)


def _clipping(observer: Observer) -> None:
    from torch.nn.utils import clip_grad

    def make(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(parameters: Any, *args: Any, **kwargs: Any) -> Any:
            if observer.idle or observer.elsewhere:
                return original(parameters, *args, **kwargs)
            if not isinstance(parameters, Tensor):
                parameters = list(parameters)
            recording, observer.recorder.recording = observer.recorder.recording, False
            try:
                result = original(parameters, *args, **kwargs)
            finally:
                observer.recorder.recording = recording
            names = ("max_norm", "norm_type") if original.__name__ == "clip_grad_norm_" else ("clip_value",)
            arguments = {**dict(zip(names, args, strict=False)), **kwargs}
            tensors = [parameters] if isinstance(parameters, Tensor) else parameters
            observer.clipped(original, tensors, arguments, result, sys._getframe(1))
            return result

        return wrapper

    for name in ("clip_grad_norm_", "clip_grad_value_"):
        observer.patches.replace(clip_grad, name, make)
        wrapped = getattr(clip_grad, name)
        observer.patches.replace(torch.nn.utils, name, lambda original, wrapped=wrapped: wrapped)  # type: ignore[misc]


def _scaler(observer: Observer) -> None:
    def make(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, outputs: Any) -> Any:
            result = original(self, outputs)
            observer.scaled(self, result, outputs)
            return result

        return wrapper

    observer.patches.replace(torch.amp.GradScaler, "scale", make)
    observer.patches.replace(torch.amp.GradScaler, "unscale_", _then(observer.unscaled))


def _compile(observer: Observer) -> None:
    """Compiled code runs with nothing of ours alive."""

    def make(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(model: Any = None, **kwargs: Any) -> Any:
            if model is None:
                return lambda function: wrapper(function, **kwargs)
            compiled = original(model, **kwargs)
            observer._problem("torch.compile: what happens inside compiled code is not observed")
            if isinstance(compiled, nn.Module):
                _suspend_around_call(observer, type(compiled))
                return compiled
            return _suspending(observer, compiled)

        return wrapper

    observer.patches.replace(torch, "compile", make)
    for owner, name in (
        ("torch.export", "export"), ("torch.jit", "trace"), ("torch.jit", "trace_module"), ("torch.jit", "script"),
        ("torch.fx._symbolic_trace", "symbolic_trace"), ("torch.onnx", "export"),
        ("torch.fx.experimental.proxy_tensor", "make_fx"),
    ):  # fmt: skip
        _suspend_in(observer, owner, name)


def _suspend_in(observer: Observer, module: str, name: str) -> None:
    """What reads a model's code or traces its operations must find torch as it is."""
    owner = sys.modules.get(module)
    if owner is not None and name in vars(owner):
        observer.patches.replace(owner, name, functools.partial(_suspending, observer))
        package = sys.modules[module.rpartition(".")[0]]
        if vars(package).get(name) is vars(owner)[name].__wrapped__:  # torch.fx shows what it keeps elsewhere
            observer.patches.replace(package, name, lambda _: vars(owner)[name])


def _suspending(observer: Observer, function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if observer.elsewhere:
            return function(*args, **kwargs)
        observer.suspend()
        try:
            return function(*args, **kwargs)
        finally:
            observer.resume()

    return wrapper


def _suspend_around_call(observer: Observer, kind: type) -> None:
    def make(original: Any) -> Any:
        @functools.wraps(original)
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            taken = observer.compiled_call_begins(self, args)
            observer.suspend()
            result = None
            try:
                result = original(self, *args, **kwargs)
            finally:
                observer.resume()
                if taken:
                    observer.compiled_call_ends(self, kwargs, result)
            return result

        return wrapper

    if "__call__" not in vars(kind) or not hasattr(vars(kind)["__call__"], "__wrapped__"):
        observer.patches.replace(kind, "__call__", make)
