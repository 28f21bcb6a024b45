"""Faults to put into the text of a healthy program. Each operator changes one thing, and so has a true place."""

from __future__ import annotations

from benchmarks.accuracy.operators import (
    data,
    evaluation,
    initialization,
    loss,
    network,
    optimization,
    protocol,
)
from benchmarks.accuracy.operators.source import OPERATORS, Injection, Operator, Source

__all__ = [
    "OPERATORS",
    "Injection",
    "Operator",
    "Source",
    "data",
    "evaluation",
    "initialization",
    "inject",
    "inject_two",
    "loss",
    "network",
    "optimization",
    "protocol",
]


def inject(operator: Operator, text: str) -> Injection | None:
    """The program with the fault; None where the operator finds nothing to change."""
    if not text.isascii():
        return None
    return operator.inject(Source(text))


def inject_two(first: Operator, second: Operator, text: str) -> tuple[Injection, tuple[int, ...]] | None:
    """Two faults in one program: the text with the lines of the second, and the lines of the first."""
    one = inject(first, text)
    two = inject(second, one.text) if one is not None else None
    if one is None or two is None:
        return None
    changed = one.text.splitlines()
    lines = [two.text.splitlines().index(changed[line - 1]) + 1 for line in one.lines if changed[line - 1] in two.text.splitlines()]
    return two, tuple(lines)
