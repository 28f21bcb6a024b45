"""The input passed on where a layer loses it: a result that nobody takes, zeros of its shape in its place."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import evidence, line
from paramedic.remedies.source import NoPatch, Source, dotted

CHECKS = ("input-ignored",)
# Methods that give a new tensor and have a twin that changes the tensor itself, by the name with an underscore.
IN_PLACE_TOO = frozenset(
    "add sub mul div pow clamp lerp addcmul addcdiv masked_fill masked_scatter index_add index_copy index_fill "
    "scatter scatter_add index_put where fmod remainder".split()
)
CONSTANT = frozenset({"zeros_like", "ones_like", "empty_like"})


def rewrite(source: Source, finding: Finding) -> None:
    at, operation = line(finding), evidence(finding, "last operation that gets the input")
    statement = source.statement(at)
    if statement is None or not isinstance(operation, str):
        raise NoPatch("no operation is named")
    value = statement.body[0]
    if len(statement.body) == 1 and isinstance(value, cst.Expr) and isinstance(value.value, cst.Call):
        _in_place(source, value.value, operation)
    elif operation in CONSTANT:
        _as_it_is(source, at, operation)
    else:
        raise NoPatch("what is meant there is not known")


def _in_place(source: Source, call: cst.Call, operation: str) -> None:
    """``canvas[1:15].add(x)`` whose result nobody takes becomes ``canvas[1:15].add_(x)``."""
    if operation not in IN_PLACE_TOO or source.called(call) != operation or not isinstance(call.func, cst.Attribute):
        raise NoPatch("the operation has no twin in place")
    source.replace(call.func.attr, f"{operation}_")


def _as_it_is(source: Source, at: int, operation: str) -> None:
    """``cell(torch.zeros_like(encoded), h)`` becomes ``cell(encoded, h)``."""
    calls = [call for call in source.calls(at) if source.called(call) == operation and call.args]
    outer = source.outer(calls[0], cst.Call) if len(calls) == 1 else None
    if outer is None or dotted(calls[0].args[0].value) is None:
        raise NoPatch("no single constant that is handed on in the place of the input")
    source.replace(calls[0], source.code(calls[0].args[0].value))
