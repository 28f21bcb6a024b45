"""A metric's divisor, and a sum over all batches."""

from __future__ import annotations

import re

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import LOOPS, line
from paramedic.remedies.source import NoPatch, Source, dotted, number

CHECKS = ("metric-divided-by-wrong-count", "metric-over-the-last-batch-only")


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check == "metric-divided-by-wrong-count":
        _divide(source, line(finding), finding.remedy.summary if finding.remedy else "")
    else:
        _accumulate(source, line(finding), finding.remedy.summary if finding.remedy else "")


def _divide(source: Source, at: int, remedy: str) -> None:
    """What is divided by becomes the count that the check names."""
    meant = re.search(r"divide by (len\(.*\)|[\w.]+(?:\(\))?)$", remedy)
    divisions = [
        node for node in source.nodes(cst.BinaryOperation)
        if isinstance(node.operator, cst.Divide) and source.lines(node)[0] <= at <= source.lines(node)[1]
    ]
    if meant is None or len(divisions) != 1:
        raise NoPatch("not exactly one division, or the right count is not known")
    source.replace(divisions[0].right, meant.group(1))


def _accumulate(source: Source, at: int, remedy: str) -> None:
    """``correct = ...`` in the loop becomes ``correct += ...`` where it starts from 0 before it."""
    named = re.search(r"add (\w+) up", remedy)
    if named is None:
        raise NoPatch("the metric has no name")
    name = named.group(1)
    inside, before = [], []
    for assign in source.assignments(name):
        loops = source.around(assign, LOOPS)
        statement = source.line_of(assign)
        if statement is None:
            continue
        if loops and source.lines(loops[0])[0] < source.lines(assign)[0] <= at and number(assign.value) is None:
            inside.append((assign, statement))
        elif number(assign.value) == 0:
            before.append(assign)
    if len(inside) != 1 or not before:
        raise NoPatch("it does not start from 0 before the loop")
    assign, statement = inside[0]
    target = dotted(assign.targets[0].target)
    code = f"{target} += {source.code(assign.value)}"
    new = source.parse(code)
    source.change(statement, lambda node: new.with_changes(
        leading_lines=node.leading_lines, trailing_whitespace=node.trailing_whitespace
    ))
