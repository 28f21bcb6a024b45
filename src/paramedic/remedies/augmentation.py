"""The strength of a random augmentation set to nothing: the rows with which the experiment trained."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.data.clean_view import DRAWS
from paramedic.checks.finding import Finding
from paramedic.remedies.constants import literals_of
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, number

CHECKS = ("augmentation-too-strong",)


def rewrite(source: Source, finding: Finding) -> None:
    """Every number that a draw is multiplied with, or that a value is replaced below, in the function around the line."""
    statement = source.statement(line(finding))
    if statement is None:
        raise NoPatch("no statement there")
    scope = source.outer(statement, cst.FunctionDef) or statement
    strengths = {id(item): item for item in _strengths(source, scope)}
    if not strengths:
        raise NoPatch("no number by which the draws are scaled")
    for literal in strengths.values():
        source.replace(literal, "0.0")


def _strengths(source: Source, scope: cst.CSTNode) -> list[cst.BaseExpression]:
    found: list[cst.BaseExpression] = []
    for product in source.nodes(cst.BinaryOperation, scope):
        if isinstance(product.operator, cst.Multiply):
            sides = (product.left, product.right)
            found += [other for one, other in (sides, sides[::-1]) if _is_draw(source, one)]
    for comparison in source.nodes(cst.Comparison, scope):
        target = comparison.comparisons[0]
        below = isinstance(target.operator, (cst.LessThan, cst.LessThanEqual)) and _is_draw(source, comparison.left)
        if below and source.outer(comparison, cst.Call) is not None:  # of an ``if`` it is not known what it decides
            found.append(target.comparator)
    return [literal for item in found for literal in literals_of(source, item) if number(literal)]


def _is_draw(source: Source, node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Call) and source.called(node) in DRAWS
