"""One shape for outputs and targets."""

from __future__ import annotations

import re

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import evidence, line
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("shape-broadcast-in-loss", "broadcast-in-metric")
ELEMENTWISE = (cst.Subtract, cst.Add, cst.Multiply, cst.Divide)
LOSSES = re.compile(r"(loss|criterion|loss_fn|mse|mae|bce|l1|huber|cross_entropy|objective|metric|error)", re.IGNORECASE)


def rewrite(source: Source, finding: Finding) -> None:
    left, right = _shapes(finding)
    pair = _operands(source, line(finding))
    for node, mine, other in ((pair[0], left, right), (pair[1], right, left)):
        code = source.code(node)
        if mine == (*other, 1):
            source.replace(node, f"{_bracketed(node, code)}.squeeze(-1)")
            return
        if len(mine) == len(other) + 1 and 1 in mine and tuple(size for size in mine if size != 1) == other:
            source.replace(node, f"{_bracketed(node, code)}.squeeze({mine.index(1)})")
            return
    raise NoPatch("the shapes differ in more than one dimension of size 1")


def _shapes(finding: Finding) -> tuple[tuple[int, ...], tuple[int, ...]]:
    text = str(evidence(finding, "shapes"))
    found = re.findall(r"\(([\d, ]*)\)", text)
    if len(found) != 2:
        raise NoPatch("the shapes are not known")
    first, second = (tuple(int(item) for item in part.split(",") if item.strip()) for part in found)
    return first, second


def _operands(source: Source, at: int) -> tuple[cst.BaseExpression, cst.BaseExpression]:
    """The two sides that are compared on a line: of a loss call, or of the only subtraction."""
    binary = [
        node for node in source.nodes(cst.BinaryOperation)
        if isinstance(node.operator, cst.Subtract) and source.lines(node)[0] <= at <= source.lines(node)[1]
    ]
    binary = [node for node in binary if _simple(node.left) and _simple(node.right)]
    comparisons = [
        node for node in source.nodes(cst.Comparison)
        if len(node.comparisons) == 1 and source.lines(node)[0] <= at <= source.lines(node)[1]
    ]
    calls = [
        call for call in source.calls(at)
        if len([item for item in call.args if item.keyword is None and not item.star]) >= 2
        and LOSSES.search(source.code(call.func))
    ]
    if calls:
        return calls[0].args[0].value, calls[0].args[1].value
    if len(binary) == 1:
        return binary[0].left, binary[0].right
    if len(comparisons) == 1 and not binary:
        return comparisons[0].left, comparisons[0].comparisons[0].comparator
    raise NoPatch("it is not clear which two values are compared")


def _simple(node: cst.BaseExpression) -> bool:
    return isinstance(node, (cst.Name, cst.Attribute, cst.Subscript, cst.Call))


def _bracketed(node: cst.CSTNode, code: str) -> str:
    simple = isinstance(node, (cst.Name, cst.Attribute, cst.Subscript, cst.Call))
    return code if simple or bool(getattr(node, "lpar", None)) else f"({code})"
