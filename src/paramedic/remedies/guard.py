"""A small constant where a logarithm, root or quotient has no finite value or gradient."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("custom-loss-non-finite", "non-finite-origin", "non-finite-input")
LOGS = frozenset({"log", "log2", "log10"})
PROBABILITY = "1e-6"  # float32 keeps 1 - 1e-6 apart from 1 (its spacing below 1 is 6e-8)
SMALL = "1e-8"  # the eps of torch.nn.functional.cosine_similarity and of Adam


def rewrite(source: Source, finding: Finding) -> None:
    at = line(finding)
    statement = source.statement(at)
    if statement is None:
        raise NoPatch("no statement there")
    if finding.check == "non-finite-input":
        _input(source, statement)
        return
    changed = False
    for call in source.calls(within=statement):
        name = source.called(call)
        inner, method = _operand(source, call)
        if inner is None:
            continue
        if name in LOGS and not _guarded(source, inner):
            new = f"{_bracketed(source, inner)}.clamp(min={PROBABILITY})"
        elif name == "sqrt" and not _guarded(source, inner):
            new = f"{source.code(inner)} + {SMALL}"
            new = f"({new})" if method else new
        else:
            continue
        source.replace(inner, new)
        changed = True
    if changed:
        return
    if source.outer(statement, cst.FunctionDef) is None:
        raise NoPatch("a quotient of data: a small constant would make large values of it")
    divisions = [
        node for node in source.nodes(cst.BinaryOperation, statement)
        if isinstance(node.operator, cst.Divide) and not _guarded(source, node.right)
        and not isinstance(node.right, (cst.Integer, cst.Float))
    ]
    if len(divisions) != 1:
        raise NoPatch("no logarithm, root or single quotient on the line")
    right = divisions[0].right
    source.replace(right, f"({source.code(_inner(right))} + {SMALL})")


def _input(source: Source, statement: cst.SimpleStatementLine) -> None:
    """log(0): log1p, the usual transformation of skewed counts; a zero standard deviation: left alone."""
    calls = [call for call in source.calls(within=statement) if source.called(call) == "log"]
    if len(calls) != 1 or not isinstance(calls[0].func, cst.Attribute):
        raise NoPatch("no single logarithm on the line")
    if source.function(calls[0]) not in ("torch.log", "numpy.log", ".log"):
        raise NoPatch("another logarithm")
    source.replace(calls[0].func, f"{source.code(calls[0].func.value)}.log1p")


def _operand(source: Source, call: cst.Call) -> tuple[cst.BaseExpression | None, bool]:
    """x of ``torch.log(x)`` (False) and of ``x.log()`` (True); only of tensors: math.log is a number's."""
    function = source.function(call)
    if function.startswith("torch.") and call.args:
        return call.args[0].value, False
    if function.startswith(("math.", "numpy.")):
        return None, False
    if isinstance(call.func, cst.Attribute) and not call.args:
        return call.func.value, True
    return None, False


def _guarded(source: Source, node: cst.CSTNode) -> bool:
    code = source.code(node)
    return any(word in code for word in ("clamp", "clip", "eps", "1e-", "maximum"))


def _inner(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.with_changes(lpar=(), rpar=()) if getattr(node, "lpar", ()) else node


def _bracketed(source: Source, node: cst.BaseExpression) -> str:
    code = source.code(_inner(node))
    simple = isinstance(node, (cst.Name, cst.Attribute, cst.Subscript, cst.Call))
    return code if simple else f"({code})"


