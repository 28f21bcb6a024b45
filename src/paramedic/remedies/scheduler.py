"""``scheduler.step()`` once per epoch, or not at all."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import LOOPS, in_scope, line, method_calls, training_loop
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("scheduler-stepped-per-batch", "scheduler-never-stepped", "scheduler-drives-rate-to-zero")


def rewrite(source: Source, finding: Finding) -> None:
    at = line(finding)
    if finding.check == "scheduler-stepped-per-batch":
        _out_of_the_batches(source, at)
    elif finding.check == "scheduler-never-stepped":
        _add(source, at)
    else:
        _leave_out(source, at)


def _scheduler(source: Source, at: int) -> str:
    """The name of the scheduler constructed on a line."""
    for assign in source.nodes(cst.Assign):
        if source.lines(assign)[0] <= at <= source.lines(assign)[1]:
            return source.code(assign.targets[0].target)
    raise NoPatch("the scheduler has no name")


def _steps(source: Source, name: str | None, at: int) -> list[cst.SimpleStatementLine]:
    calls = list(method_calls(source, "step"))
    if name is not None:
        return [statement for receiver, _, statement in calls if receiver == name]
    return [statement for _, _, statement in calls if source.lines(statement)[0] <= at <= source.lines(statement)[1]]


def _out_of_the_batches(source: Source, at: int) -> None:
    """From the loop over the batches to behind it."""
    found = _steps(source, None, at)
    if not found:
        found = _steps(source, _scheduler(source, at), at)
    if len(found) != 1:
        raise NoPatch("not exactly one scheduler.step()")
    loops = source.around(found[0], LOOPS)
    if not loops:
        raise NoPatch("the scheduler does not step in a loop")
    if len(source.block(found[0])) == 1:
        raise NoPatch("nothing else stands in its block")
    source.remove(found[0])
    source.after(loops[0], source.code(found[0].with_changes(leading_lines=())).strip())


def _add(source: Source, at: int) -> None:
    name = _scheduler(source, at)
    if _steps(source, name, at):
        raise NoPatch("scheduler.step() is written")
    loop = training_loop(source)
    if not in_scope(source, name, loop):
        raise NoPatch("the scheduler cannot be read there")
    source.after(loop, f"{name}.step()")


def _leave_out(source: Source, at: int) -> None:
    """The constant rate that the experiment went on with."""
    found = _steps(source, _scheduler(source, at), at)
    if len(found) != 1 or len(source.block(found[0])) == 1:
        raise NoPatch("not exactly one scheduler.step() that can be left out")
    source.remove(found[0])
