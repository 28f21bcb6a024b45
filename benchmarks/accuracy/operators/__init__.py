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
    before, after = one.text.splitlines(), two.text.splitlines()
    kept = [before[line - 1] for line in one.lines if before[line - 1] in after]
    return two, tuple(after.index(text) + 1 for text in kept)
