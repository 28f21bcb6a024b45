"""A penalty on the weights: added to the loss, and felt by the weights."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("penalty-with-wrong-sign", "penalty-rewards-large-weights")


def rewrite(source: Source, finding: Finding) -> None:
    """The minus in front of the penalty becomes a plus."""
    statement = source.statement(line(finding))
    if statement is None:
        raise NoPatch("the penalty is not subtracted in a plain statement")
    item = statement.body[0]
    if isinstance(item, cst.AugAssign) and isinstance(item.operator, cst.SubtractAssign):
        source.change(item.operator, lambda node: cst.AddAssign(node.whitespace_before, node.whitespace_after))
        return
    found = [node for node in source.nodes(cst.BinaryOperation, statement) if isinstance(node.operator, cst.Subtract)]
    if len(found) != 1:
        raise NoPatch("not exactly one minus on the line")
    source.change(found[0].operator, lambda node: cst.Add(node.whitespace_before, node.whitespace_after))
