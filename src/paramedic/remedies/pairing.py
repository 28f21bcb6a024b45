"""Inputs and labels shuffled together."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, dotted

CHECKS = ("labels-mispaired", "labels-unrelated")


def rewrite(source: Source, finding: Finding) -> None:
    """``rng.shuffle(X); rng.shuffle(y)`` becomes one permutation for both."""
    at = line(finding)
    shuffles = []
    for statement in source.nodes(cst.SimpleStatementLine):
        item = statement.body[0]
        if len(statement.body) != 1 or not isinstance(item, cst.Expr) or not isinstance(item.value, cst.Call):
            continue
        call = item.value
        if source.called(call) == "shuffle" and len(call.args) == 1 and isinstance(call.func, cst.Attribute):
            shuffles.append((statement, source.code(call.func.value), dotted(call.args[0].value)))
    near = [item for item in shuffles if abs(source.lines(item[0])[0] - at) <= 1]
    if len(near) != 2 or near[0][1] != near[1][1] or None in (near[0][2], near[1][2]):
        raise NoPatch("no two shuffles of one generator")
    (first, generator, x), (second, _, y) = near
    block = source.block(first)
    if not any(item is second for item in block) or source.aliases.get(generator.partition(".")[0]) == "random":
        raise NoPatch("they do not stand together, or shuffle lists")
    code = (f"order = {generator}.permutation(len({x}))", f"{x}, {y} = {x}[order], {y}[order]")
    new = [source.parse(text) for text in code]
    source.remove(second)
    source.change(first, lambda node: cst.FlattenSentinel([new[0].with_changes(leading_lines=node.leading_lines), new[1]]))
