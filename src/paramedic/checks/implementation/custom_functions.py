"""The user's own autograd Functions in a replayed step, each checked by itself."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from paramedic.checks.implementation.rerun import seeded
from paramedic.measurements.gradients import Derivatives, directional
from paramedic.trace.place import Place, is_user_file, place_of, relative

CALLS_OF_EACH = 2


@dataclass(eq=False)
class FunctionCall:
    """One call of a custom Function: its arguments, and which of them needed a gradient."""

    function: type[torch.autograd.Function]
    args: tuple[Any, ...]
    needed: tuple[bool, ...]
    place: Place | None


@dataclass(eq=False)
class Verdict:
    """What came of one Function: derivatives by argument position. identity: the output is one of the inputs. silent: the
    positions for which ``backward`` gives exactly zero everywhere, though the output takes several values."""

    function: type[torch.autograd.Function]
    place: Place | None
    derivatives: dict[int, Derivatives] = field(default_factory=dict)
    silent: list[int] = field(default_factory=list)
    identity: bool = False
    double: bool = True


def functions_of(root: Tensor) -> list[type[torch.autograd.Function]]:
    """The user's own Functions in the graph of a loss."""
    found: list[type[torch.autograd.Function]] = []
    seen: set[Any] = set()
    stack = [root.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        function = getattr(type(node), "_forward_cls", None)
        if isinstance(function, type) and function not in found and _is_users(function):
            found.append(function)
        stack.extend(edge[0] for edge in node.next_functions)
    return found


def _is_users(function: type[Any]) -> bool:
    try:
        return is_user_file(function.backward.__code__.co_filename)
    except AttributeError:
        return False


@contextmanager
def observed(functions: Sequence[type[torch.autograd.Function]]) -> Iterator[list[FunctionCall]]:
    """Note the first calls of some Functions, by their ``forward``; it is put back afterwards."""
    calls: list[FunctionCall] = []
    before = [(function, vars(function).get("forward")) for function in functions]
    try:
        for function in functions:
            function.forward = staticmethod(_noting(function, function.forward, calls))  # type: ignore[method-assign]
        yield calls
    finally:
        for function, forward in before:
            if forward is None:
                del function.forward
            else:
                function.forward = forward  # type: ignore[method-assign]


def _noting(function: type[torch.autograd.Function], forward: Any, calls: list[FunctionCall]) -> Any:
    with_context = function.setup_context is torch.autograd.Function.setup_context

    def note(*args: Any, **kwargs: Any) -> Any:
        if sum(call.function is function for call in calls) < CALLS_OF_EACH and not kwargs:
            given = args[1:] if with_context else args
            needed = args[0].needs_input_grad if with_context else tuple(_wants(item) for item in given)
            copies = tuple(item.detach().clone() if isinstance(item, Tensor) else item for item in given)
            calls.append(FunctionCall(function, copies, tuple(needed), place_of(sys._getframe(1))))
        return forward(*args, **kwargs)

    return note


def _wants(item: Any) -> bool:
    return isinstance(item, Tensor) and item.requires_grad


def checked(call: FunctionCall) -> Verdict:
    """Finite differences against the Function's backward, in float64 where it can, else in float32.

    Raises what the Function raises.
    """
    try:
        verdict = _checked(call, torch.float64)
    except (RuntimeError, TypeError):
        verdict = _checked(call, torch.float32)
        verdict.double = False
    return verdict


def _checked(call: FunctionCall, dtype: torch.dtype) -> Verdict:
    args = [item.to(dtype) if isinstance(item, Tensor) and item.is_floating_point() else item for item in call.args]
    wanted = [
        i for i, item in enumerate(args)
        if isinstance(item, Tensor) and item.is_floating_point() and item.numel() and call.needed[i]
    ]
    tensors = [args[i] for i in wanted]
    default = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        return _compared(call, args, wanted, tensors)
    finally:
        torch.set_default_dtype(default)


def _compared(call: FunctionCall, args: list[Any], wanted: list[int], tensors: list[Tensor]) -> Verdict:
    leaves = [item.detach().clone().requires_grad_() for item in tensors]
    outputs = _apply(call, args, wanted, leaves)
    generator = torch.Generator().manual_seed(0)
    incoming = [torch.randn(item.shape, generator=generator, device="cpu", dtype=torch.float64).to(item) for item in outputs]
    gradients = torch.autograd.grad(outputs, leaves, incoming, allow_unused=True)
    verdict = Verdict(call.function, call.place)
    verdict.identity = any(torch.equal(item, leaf) for item in outputs for leaf in tensors if item.shape == leaf.shape)

    def scalar(values: Sequence[Tensor]) -> Tensor:
        results = _apply(call, args, wanted, values)
        return torch.stack([(u * y).double().sum() for u, y in zip(incoming, results, strict=True)]).sum()

    varied = any(bool((item != item.flatten()[0]).any()) for item in outputs if item.numel())
    for ordinal, position in enumerate(wanted):
        gradient = gradients[ordinal]
        if varied and gradient is not None and not bool(gradient.ne(0).any()):
            verdict.silent.append(position)
        copies = gradient is not None and any(
            item.shape == gradient.shape and torch.equal(item, gradient) for item in incoming
        )
        verdict.derivatives[position] = directional(
            scalar, tensors, ordinal, gradient, generator, copies=copies
        )
    return verdict


def _apply(call: FunctionCall, args: list[Any], wanted: list[int], values: Sequence[Tensor]) -> list[Tensor]:
    """The differentiable outputs; inputs are copies, so that a Function may write to them."""
    given = [item.clone() if isinstance(item, Tensor) else item for item in args]
    for position, value in zip(wanted, values, strict=True):
        given[position] = value.clone()
    seeded()
    with torch.enable_grad():
        if not any(item.requires_grad for item in values):
            for position in wanted:
                given[position].requires_grad_()
                given[position] = given[position].view_as(given[position])
        result = call.function.apply(*given)
    results = result if isinstance(result, (tuple, list)) else (result,)
    return [item for item in results if isinstance(item, Tensor) and item.is_floating_point() and item.requires_grad]


def backward_place(function: type[torch.autograd.Function], position: int | None = None) -> Place | None:
    """The line of a Function's ``backward`` that computes the gradient of the argument at ``position``: what it returns there,
    or the last assignment of the name that it returns. The line of ``def backward`` without a position, or where that is
    unclear.
    """
    code = function.backward.__code__  # type: ignore[attr-defined]
    line = code.co_firstlineno
    try:
        lines, first = inspect.getsourcelines(function.backward)
        definition = ast.parse(textwrap.dedent("".join(lines))).body[0]
        line = first + definition.lineno - 1
        found = _gradient_line(definition, position) if position is not None else None
        line = first + found - 1 if found is not None else line
    except (OSError, TypeError, SyntaxError):
        pass
    return Place(relative(code.co_filename), line, "backward")


def _gradient_line(definition: ast.AST, position: int) -> int | None:
    """The line within a ``backward`` that gives the gradient at a position; None where it returns in several places."""
    returned = [node.value for node in ast.walk(definition) if isinstance(node, ast.Return)]
    if len(returned) != 1 or returned[0] is None:
        return None
    value = returned[0]
    if isinstance(value, ast.Tuple) and position < len(value.elts):
        value = value.elts[position]
    while not isinstance(value, ast.Name):  # grad.sum(0), grad[0], -grad: of a name that is computed before
        inner = getattr(value, "func", None) or getattr(value, "value", None) or getattr(value, "operand", None)
        if not isinstance(inner, ast.expr):
            return value.lineno
        value = inner
    stored = [
        node.lineno
        for node in ast.walk(definition)
        if isinstance(node, (ast.Assign, ast.AugAssign))
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if any(isinstance(part, ast.Name) and part.id == value.id for part in ast.walk(target))
    ]
    return max(stored, default=value.lineno)


def argument_name(function: type[torch.autograd.Function], position: int) -> str:
    """The name of an argument of ``forward``."""
    with_context = function.setup_context is torch.autograd.Function.setup_context
    names = list(inspect.signature(function.forward).parameters)[1 if with_context else 0 :]
    return names[position] if position < len(names) else f"argument {position}"
