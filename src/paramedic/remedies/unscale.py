"""``scaler.unscale_(optimizer)`` before gradients are clipped."""

from __future__ import annotations

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import in_scope, line, method_calls
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("clipping-before-unscaling",)


def rewrite(source: Source, finding: Finding) -> None:
    """In front of the clipping call; the scaler and the optimizer are those of ``scaler.step(optimizer)``."""
    clip = source.statement(line(finding))
    if clip is None:
        raise NoPatch("the clipping call is no statement of its own")
    block = source.block(clip)
    pairs = {
        (receiver, source.code(call.args[0].value))
        for receiver, call, statement in method_calls(source, "step")
        if len(call.args) == 1 and any(statement is item for item in block)
    }
    if len(pairs) != 1:
        raise NoPatch("not exactly one scaler.step(optimizer) beside the clipping call")
    scaler, optimizer = pairs.pop()
    if not (in_scope(source, scaler, clip) and in_scope(source, optimizer, clip)):
        raise NoPatch("the scaler or the optimizer cannot be read there")
    source.before(clip, f"{scaler}.unscale_({optimizer})")
