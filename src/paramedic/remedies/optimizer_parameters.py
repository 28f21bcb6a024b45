"""An optimizer over the parameters that are trained."""

from __future__ import annotations

import re
from collections.abc import Sequence

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import Optimizer, line, model_of, optimizer_at, optimizers
from paramedic.remedies.source import NoPatch, Source, dotted, names_in

CHECKS = ("parameters-not-optimized", "optimizer-over-stale-parameters")


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check == "parameters-not-optimized":
        _all(source, optimizer_at(source, line(finding)), finding.module or "")
    else:
        _renew(source, line(finding))


def _all(source: Source, optimizer: Optimizer, module: str) -> None:
    """module: dotted path of what is missing; the part of it that is a variable here may hold what is given as well."""
    missing = module.partition(".")[0]
    given = optimizer.call.args[0].value if optimizer.call.args else None
    groups = [item for item in source.nodes(cst.List, given)] if given is not None else []
    if isinstance(given, cst.Call) and isinstance(given.func, cst.Attribute) and given.func.attr.value == "parameters":
        owner = dotted(given.func.value) or ""
        root = _root(owner)
        if root == owner or (missing and missing != root.removeprefix("self.")):
            if module == missing and _holds(source, missing, root):
                source.replace(given.func.value, missing)
            else:
                _add(source, given, missing, _code(module))
            return
        source.replace(given.func.value, root)
        return
    if isinstance(given, cst.List) and groups and missing and source.assignments(missing):
        if all(isinstance(item.value, cst.Dict) for item in given.elements):
            if module == missing and any(_holds(source, missing, name) for name in names_in(given)):
                raise NoPatch("which of the groups the missing parameters belong to is not known")
            _append(source, given, f'{{"params": {_code(module)}.parameters()}}')
            return
    raise NoPatch("the parameters are not given as model.parameters()")


def _root(owner: str) -> str:
    """"model" of "model.head"; "self.model" of "self.model.head"."""
    parts = owner.split(".")
    return ".".join(parts[:2]) if parts[0] == "self" else parts[0]


def _code(module: str) -> str:
    """"model[0].body" of "model.0.body"."""
    first, *rest = module.split(".")
    return first + "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in rest)


def _holds(source: Source, whole: str, part: str) -> bool:
    """Whether a variable was made of another one: ``whole = nn.Sequential(part, head)``."""
    return any(part in set(names_in(assign.value)) for assign in source.assignments(whole))


def _add(source: Source, given: cst.Call, missing: str, code: str) -> None:
    """``[*head.parameters(), *encoder.parameters()]``."""
    if not missing or not source.assignments(missing):
        raise NoPatch("the module of the missing parameters has no name here")
    source.replace(given, f"[*{source.code(given)}, *{code}.parameters()]")


def _append(source: Source, groups: cst.List, code: str) -> None:
    def append(node: cst.List) -> cst.List:
        elements = list(node.elements)
        last = elements[-1]
        start = node.lbracket.whitespace_after  # a line of its own for each, as for the first
        lines = isinstance(start, cst.ParenthesizedWhitespace)
        default = cst.Comma(whitespace_after=start if lines else cst.SimpleWhitespace(" "))
        between = elements[-2].comma if len(elements) > 1 else default
        elements[-1] = last.with_changes(comma=between if isinstance(between, cst.Comma) else default)
        return node.with_changes(elements=[*elements, cst.Element(cst.parse_expression(code), comma=last.comma)])

    source.change(groups, append)


def _renew(source: Source, at: int) -> None:
    """Construct the optimizer after the last statement that makes the model (or a part of it) anew."""
    every = optimizers(source)
    optimizer = every[0] if len(every) == 1 else optimizer_at(source, at)
    name = model_of(source, optimizer)
    made = source.lines(optimizer.statement)[1]
    pattern = re.compile(rf"^{re.escape(name)}(\[.*\]|\.\w+)*$")
    later = []
    for assign in source.nodes(cst.Assign):
        targets = [source.code(item.target) for item in assign.targets]
        statement = source.line_of(assign)
        if statement is not None and source.lines(assign)[0] > made and any(map(pattern.match, targets)):
            later.append(statement)
    if not later:
        raise NoPatch("the model is not made anew after the optimizer in this file")
    last = later[-1]
    if source.outer(last, cst.FunctionDef) is not source.outer(optimizer.statement, cst.FunctionDef):
        raise NoPatch("the model is made anew in another function")
    code = source.code(optimizer.statement.with_changes(leading_lines=())).strip()
    block = source.block(optimizer.statement)
    if any(item is last for item in block):
        between = block[_index(block, optimizer.statement) + 1 : _index(block, last)]
        if not any(optimizer.name in set(names_in(item)) for item in between):
            source.remove(optimizer.statement)
    source.after(last, code)


def _index(block: Sequence[cst.CSTNode], node: cst.CSTNode) -> int:
    return next(number for number, item in enumerate(block) if item is node)
