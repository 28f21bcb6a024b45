"""The loss with the other sign."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line, only_return
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("custom-loss-sign",)


def rewrite(source: Source, finding: Finding) -> None:
    """The returned value of the function around the line; a minus in front of it goes."""
    at = line(finding)
    functions = [item for item in source.nodes(cst.FunctionDef) if source.lines(item)[0] <= at <= source.lines(item)[1]]
    if not functions:
        raise NoPatch("the loss is not a function of this file")
    value = only_return(source, functions[-1])
    if any(source.called(call) == "backward" for call in source.calls(within=functions[-1])):
        raise NoPatch("the function trains as well")
    if isinstance(value, cst.UnaryOperation) and isinstance(value.operator, cst.Minus):
        source.replace(value, source.code(value.expression))
        return
    code = source.code(value)
    if isinstance(value, cst.BinaryOperation) and isinstance(value.operator, (cst.Add, cst.Subtract)):
        raise NoPatch("a sum: perhaps only one of its parts has the wrong sign")
    simple = isinstance(value, (cst.Name, cst.Attribute, cst.Subscript, cst.Call)) or bool(getattr(value, "lpar", None))
    source.replace(value, f"-{code}" if simple else f"-({code})")
