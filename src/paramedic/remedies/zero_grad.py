"""``optimizer.zero_grad()`` once per step, before backward."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import backward_at, line, method_calls, scope, steps
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("missing-zero-grad", "zero-grad-between-backward-and-step")


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check == "missing-zero-grad":
        _add(source, backward_at(source, line(finding)))
    else:
        _move(source, line(finding))


def _add(source: Source, backward: cst.SimpleStatementLine) -> None:
    """In front of the backward call; after the step where the two do not stand in one block (accumulation)."""
    stepped = steps(source, scope(source, backward)) or steps(source)
    names = list(dict.fromkeys(name for name, _ in stepped))
    if not names:
        raise NoPatch("no optimizer steps by a name")
    block = source.block(backward)
    if all(any(item is statement for item in block) for _, statement in stepped):
        source.before(backward, *(f"{name}.zero_grad()" for name in names))
        return
    for name, statement in stepped:
        source.after(statement, f"{name}.zero_grad()")


def _move(source: Source, at: int) -> None:
    """The zero_grad after a backward call goes in front of it."""
    zeroed = [item for _, _, item in method_calls(source, "zero_grad") if source.lines(item)[0] <= at <= source.lines(item)[1]]
    if len(zeroed) != 1:
        raise NoPatch("no single zero_grad on this line")
    block = list(source.block(zeroed[0]))
    position = next(number for number, item in enumerate(block) if item is zeroed[0])
    backwards = [item for _, _, item in method_calls(source, "backward")]
    earlier = [item for item in block[:position] if any(item is other for other in backwards)]
    if not earlier:
        raise NoPatch("no backward call before it in the same block")
    first = earlier[0]
    assert isinstance(first, cst.SimpleStatementLine)
    source.remove(zeroed[0])
    source.before(first, source.code(zeroed[0]).strip())
