"""``loss.backward()`` or ``optimizer.step()`` where it is missing."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.constants import literal_of
from paramedic.remedies.objects import (
    backward_at,
    in_scope,
    line,
    method_calls,
    optimizers,
    scope,
    steps,
)
from paramedic.remedies.source import NoPatch, Source, dotted

CHECKS = ("missing-backward", "missing-step")


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check == "missing-backward":
        _backward(source, line(finding))
    else:
        _step(source, line(finding))


def _backward(source: Source, at: int) -> None:
    """After the statement that gives the loss a name, and after a zero_grad that follows it."""
    if any(True for _ in method_calls(source, "backward")):
        raise NoPatch("there is a backward call")
    statement = source.statement(at)
    assign = statement.body[0] if statement is not None else None
    if statement is None or not isinstance(assign, cst.Assign) or len(assign.targets) != 1:
        raise NoPatch("the loss has no name")
    name = dotted(assign.targets[0].target)
    if name is None:
        raise NoPatch("the loss has no plain name")
    block = source.block(statement)
    start = next(number for number, item in enumerate(block) if item is statement)
    zeroed = [item for _, _, item in method_calls(source, "zero_grad") if any(item is other for other in block[start:])]
    source.after(zeroed[-1] if zeroed else statement, f"{name}.backward()")


def _step(source: Source, at: int) -> None:
    """After the backward call; where a step is written but its turn never comes, at every batch."""
    rare = accumulation(source)
    if rare is not None:
        source.replace(rare, "1")
        return
    written = {name for name, _ in steps(source)}
    idle = [item.name for item in optimizers(source) if item.name not in written]
    if len(idle) != 1:
        raise NoPatch("not exactly one optimizer without a step")
    backward = backward_at(source, at)
    name = idle[0]
    if name.startswith("self.") and source.outer(backward, cst.ClassDef) is None:
        raise NoPatch("the optimizer cannot be read there")
    if not in_scope(source, name, backward):
        raise NoPatch("the optimizer cannot be read there")
    block = source.block(backward)
    start = next(number for number, item in enumerate(block) if item is backward)
    clips = [
        item for call in source.calls(within=scope(source, backward))
        if source.called(call).startswith("clip_grad") and (item := source.line_of(call)) is not None
        and any(item is other for other in block[start:])
    ]
    source.after(clips[-1] if clips else backward, f"{name}.step()")


def accumulation(source: Source) -> cst.BaseExpression | None:
    """The literal N of ``if i % N == 0: optimizer.step()``; None if the only step is not under such a condition."""
    found = steps(source)
    if len(found) != 1:
        return None
    for condition in source.around(found[0][1], cst.If):
        for node in source.nodes(cst.BinaryOperation, condition.test):
            if isinstance(node.operator, cst.Modulo):
                try:
                    return literal_of(source, node.right)
                except NoPatch:
                    return None
    return None
