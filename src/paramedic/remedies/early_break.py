"""The ``break`` that was left in the loop over the batches from trying out."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import LOOPS, line
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("incomplete-epoch",)


def rewrite(source: Source, finding: Finding) -> None:
    """The ``if`` that holds nothing but the break goes."""
    statement = source.statement(line(finding))
    if statement is None or len(statement.body) != 1 or not isinstance(statement.body[0], cst.Break):
        raise NoPatch("no break on the line")
    condition = source.outer(statement, (cst.If, *LOOPS))
    if not isinstance(condition, cst.If) or len(source.block(statement)) != 1 or condition.orelse is not None:
        raise NoPatch("the break is not alone under a condition")
    if len(source.block(condition)) == 1 or isinstance(source.parent(condition), cst.If):
        raise NoPatch("the condition has other branches")
    source.remove(condition)
