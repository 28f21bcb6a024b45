"""Every row of a dataset drawn: its length, and the range of a random order."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, dotted

CHECKS = ("incomplete-epoch",)
ORDERS = ("randperm", "permutation")


def rewrite(source: Source, finding: Finding) -> None:
    at = line(finding)
    statement = source.statement(at)
    function = source.outer(statement, cst.FunctionDef) if statement is not None else None
    if statement is not None and function is not None and function.name.value == "__len__":
        _length(source, statement, function)
    else:
        _range(source, at)


def _length(source: Source, statement: cst.SimpleStatementLine, function: cst.FunctionDef) -> None:
    """``return len(self.images[0])`` where rows are ``self.images[index]`` becomes ``return len(self.images)``."""
    owner = source.outer(function, cst.ClassDef)
    returned = statement.body[0]
    if owner is None or not isinstance(returned, cst.Return) or returned.value is None:
        raise NoPatch("the length is computed")
    read = _read_by_index(source, owner)
    lengths = {f"len({name})" for name in read}
    wanted = next((f"len({name})" for name in read if name in source.code(returned.value)), None)
    if wanted is None or source.code(returned.value) in lengths:
        raise NoPatch("it is not clear how many rows there are")
    source.replace(returned.value, wanted)


def _read_by_index(source: Source, owner: cst.ClassDef) -> list[str]:
    """What ``__getitem__`` reads with its index as it is: "self.images"."""
    for function in source.nodes(cst.FunctionDef, owner):
        if function.name.value == "__getitem__" and len(function.params.params) == 2:
            index = function.params.params[1].name.value
            return [
                name for node in source.nodes(cst.Subscript, function)
                if len(node.slice) == 1 and source.code(node.slice[0].slice) == index
                and (name := dotted(node.value)) is not None and name.startswith("self.")
            ]
    return []


def _range(source: Source, at: int) -> None:
    """``randperm(len(x) // size)``, an order of the rows as long as there are batches, goes over all rows."""
    for call in source.calls(at):
        if source.called(call) in ORDERS and len(call.args) == 1:
            value = call.args[0].value
            if isinstance(value, cst.BinaryOperation) and isinstance(value.operator, cst.FloorDivide):
                source.replace(value, source.code(value.left))
                return
    raise NoPatch("no order of a part of the rows on the line")
