"""nn.ModuleList, nn.ModuleDict and nn.Parameter in the place of what PyTorch does not see."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, dotted

CHECKS = ("parameters-not-registered",)
MAKING = frozenset("randn rand zeros ones empty full normal tensor eye randn_like rand_like uniform".split())
ASSIGNING = frozenset({"Linear", "Sequential"})


def rewrite(source: Source, finding: Finding) -> None:
    statement = source.statement(line(finding))
    owner = source.outer(statement, cst.ClassDef) if statement is not None else None
    if owner is None:
        raise NoPatch("not inside a class")
    found = False
    for assign in source.nodes(cst.Assign, owner):
        name = dotted(assign.targets[0].target) or ""
        function = source.outer(assign, cst.FunctionDef)
        if not name.startswith("self.") or function is None or function.name.value != "__init__":
            continue
        wrapper = _wrapper(source, assign.value, owner, name)
        if wrapper is not None:
            source.replace(assign.value, f"{source.nn()}.{wrapper}({source.code(assign.value)})")
            found = True
    if not found:
        raise NoPatch("no list, dict or tensor of parameters in __init__")


def _wrapper(source: Source, value: cst.BaseExpression, owner: cst.ClassDef, name: str) -> str | None:
    if isinstance(value, (cst.List, cst.ListComp)):
        if _makes_modules(source, value) or not getattr(value, "elements", True) and _appends(source, owner, name):
            return "ModuleList"
    elif isinstance(value, (cst.Dict, cst.DictComp)):
        if _makes_modules(source, value):
            return "ModuleDict"
    elif _makes_tensor(source, value):
        return "Parameter"
    return None


def _makes_modules(source: Source, node: cst.CSTNode) -> bool:
    local = {item.name.value for item in source.nodes(cst.ClassDef)}
    return any(
        source.function(call).startswith("torch.nn.") and source.called(call)[:1].isupper() or dotted(call.func) in local
        for call in source.calls(within=node)
    )


def _appends(source: Source, owner: cst.ClassDef, name: str) -> bool:
    return any(
        dotted(call.func) == f"{name}.append" and _makes_modules(source, call) for call in source.calls(within=owner)
    )


def _makes_tensor(source: Source, value: cst.BaseExpression) -> bool:
    """A floating-point tensor made by torch, perhaps scaled; not one that is registered or a plain setting."""
    if isinstance(value, cst.BinaryOperation):
        return _makes_tensor(source, value.left) or _makes_tensor(source, value.right)
    if not isinstance(value, cst.Call):
        return False
    named = source.function(value).startswith("torch.") and source.called(value) in MAKING
    if named and "requires_grad" not in source.code(value):
        return True
    return named
