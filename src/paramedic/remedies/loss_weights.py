"""The weight of one term of a loss, as the experiment balanced it."""

from __future__ import annotations

import math
import re

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.constants import literal_of
from paramedic.remedies.hyperparameters import shown
from paramedic.remedies.objects import evidence, line
from paramedic.remedies.source import NoPatch, Source, dotted, number

CHECKS = ("loss-components-out-of-balance",)
SAME = 0.01  # relative: the finding gives the weight with three digits
PLAIN = frozenset({0.0, 1.0, 2.0, 0.5})  # numbers that stand for many things in a file


def rewrite(source: Source, finding: Finding) -> None:
    """The number behind the weight; where the term has none, a factor in front of it."""
    old, new = _weights(finding)
    statement = source.statement(line(finding))
    if statement is None:
        raise NoPatch("the terms are not added on one line")
    literals = _factors(source, statement, old)
    if len(literals) == 1:
        literal, divides = literals[0]
        value = number(literal)
        assert value is not None
        source.replace(literal, shown(value * old / new if divides else value * new / old))
        return
    if literals:
        raise NoPatch("several weights of this size on the line")
    term = _term(source, statement, finding) if math.isclose(old, 1.0, rel_tol=SAME) else None
    if term is not None:
        source.replace(term, f"{shown(new)} * {_bracketed(source, term)}")
        return
    written = [
        node for node in source.nodes((cst.Integer, cst.Float))
        if math.isclose(float(node.evaluated_value), old, rel_tol=SAME)  # type: ignore[attr-defined]
    ]
    if old in PLAIN or len(written) != 1:
        raise NoPatch("the weight is not written on the line, nor at one place of the file")
    source.replace(written[0], shown(new))  # type: ignore[arg-type]


def _weights(finding: Finding) -> tuple[float, float]:
    """The weight as it is, and as it is balanced."""
    for item in finding.evidence:
        found = re.fullmatch(r"about (\S+)", item.expected) if item.name.startswith("weight of the ") else None
        if found is not None and isinstance(item.value, (int, float)) and item.value > 0:
            return float(item.value), float(found.group(1))
    raise NoPatch("the balanced weight is not known")


def _factors(source: Source, statement: cst.CSTNode, old: float) -> list[tuple[cst.BaseExpression, bool]]:
    """Literals behind the factors and divisors of the statement that have the term's weight; whether they divide."""
    found: dict[int, tuple[cst.BaseExpression, bool]] = {}
    for node in source.nodes(cst.BinaryOperation, statement):
        if isinstance(node.operator, cst.Multiply):
            sides = [(node.left, False), (node.right, False)]
        elif isinstance(node.operator, cst.Divide):
            sides = [(node.right, True)]
        else:
            continue
        for side, divides in sides:
            try:
                literal = literal_of(source, side)
            except NoPatch:
                continue
            value = abs(number(literal) or 0.0)
            if value and math.isclose(1 / value if divides else value, old, rel_tol=SAME):
                found[id(literal)] = (literal, divides)
    return list(found.values())


def _term(source: Source, statement: cst.SimpleStatementLine, finding: Finding) -> cst.BaseExpression | None:
    """The operand of the sum on the line that was computed where the finding says; None if it is not plain."""
    place = re.search(r":(\d+)$", str(evidence(finding, "the term to weight otherwise is computed at")))
    if place is None:
        return None
    at = int(place.group(1))
    operands = _operands(source, statement)
    made = []
    for item in operands:
        name = dotted(item)
        if name is not None and any(source.lines(node)[0] <= at <= source.lines(node)[1] for node in _bound(source, name)):
            made.append(item)
        elif name is None and source.lines(item)[0] <= at <= source.lines(item)[1] and len(operands) == 1:
            made.append(item)
    return made[0] if len(made) == 1 else None


def _operands(source: Source, statement: cst.SimpleStatementLine) -> list[cst.BaseExpression]:
    """a, b and c of ``loss = a + b + c``; b of ``loss += b``."""
    item = statement.body[0]
    if isinstance(item, cst.AugAssign) and isinstance(item.operator, cst.AddAssign):
        return [item.value]
    value = item.value if isinstance(item, (cst.Assign, cst.Return)) else None

    def split(node: cst.BaseExpression | None) -> list[cst.BaseExpression]:
        if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Add):
            return [*split(node.left), *split(node.right)]
        return [node] if node is not None else []

    return split(value)


def _bound(source: Source, name: str) -> list[cst.Assign]:
    """Assignments of a name, also as one of several targets."""
    found = []
    for node in source.nodes(cst.Assign):
        for target in node.targets:
            items = [item.value for item in target.target.elements] if isinstance(target.target, cst.Tuple) else [target.target]
            if any(dotted(item) == name for item in items):
                found.append(node)
    return found


def _bracketed(source: Source, node: cst.BaseExpression) -> str:
    code = source.code(node)
    simple = isinstance(node, (cst.Name, cst.Attribute, cst.Subscript, cst.Call)) or bool(node.lpar)
    return code if simple else f"({code})"
