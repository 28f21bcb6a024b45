"""Batches in a new random order, and a new batch in every step."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import LOOPS, line
from paramedic.remedies.source import NoPatch, Source, argument, dotted, names_in, with_argument

CHECKS = ("unshuffled-training-data", "same-batch-repeated", "single-label-batches")


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check == "same-batch-repeated":
        _next_batch(source, line(finding))
    else:
        _shuffled(source, line(finding))


def _shuffled(source: Source, at: int) -> None:
    loaders = [call for call in source.calls() if source.called(call) == "DataLoader"]
    here = [call for call in loaders if source.lines(call)[0] <= at <= source.lines(call)[1]]
    if not here:
        here = _iterated(source, at, loaders)
    if len(here) != 1:
        raise NoPatch("no single DataLoader on the line")
    given = argument(here[0], "shuffle", 2)
    if given is not None and source.code(given.value) != "False":
        raise NoPatch("shuffle is given already")
    if any(argument(here[0], name) is not None for name in ("sampler", "batch_sampler")) or _iterable(source, here[0]):
        raise NoPatch("the order comes from a sampler or stream")
    source.change(here[0], lambda node: with_argument(node, "shuffle", "True", 2))


def _iterable(source: Source, call: cst.Call) -> bool:
    """Whether the loader reads an IterableDataset of this file."""
    streams = {
        owner.name.value for owner in source.nodes(cst.ClassDef)
        if any("IterableDataset" in source.code(base.value) for base in owner.bases)
    }
    return bool(streams & set(names_in(call)))


def _iterated(source: Source, at: int, loaders: list[cst.Call]) -> list[cst.Call]:
    """The loader that a for statement on the line goes over."""
    names = {source.code(loop.iter) for loop in source.nodes(cst.For) if source.lines(loop)[0] == at}
    return [call for call in loaders if source.assigned_name(call) in names]


def _next_batch(source: Source, at: int) -> None:
    """``batch = next(iter(loader))`` before ``for step in range(...)`` becomes ``for batch in loader``."""
    drawn = [
        assign for assign in source.nodes(cst.Assign)
        if isinstance(assign.value, cst.Call) and dotted(assign.value.func) == "next" and assign.value.args
        and isinstance(assign.value.args[0].value, cst.Call) and dotted(assign.value.args[0].value.func) == "iter"
    ]
    if len(drawn) != 1:
        raise NoPatch("no single batch that is drawn once")
    statement = source.line_of(drawn[0])
    iterator = drawn[0].value
    assert isinstance(iterator, cst.Call) and isinstance(iterator.args[0].value, cst.Call) and statement is not None
    loader = iterator.args[0].value.args[0].value
    target = drawn[0].targets[0].target
    loops = [
        loop for loop in source.nodes(cst.For)
        if set(names_in(target)) & {name for item in loop.body.body for name in names_in(item)}
        and isinstance(loop.iter, cst.Call) and dotted(loop.iter.func) == "range"
        and not any(isinstance(inner, LOOPS) for inner in source.nodes(LOOPS, loop.body))
    ]
    if len(loops) != 1 or set(names_in(loops[0].target)) & {name for item in loops[0].body.body for name in names_in(item)}:
        raise NoPatch("no single loop that uses the batch and not its counter")
    if source.code(loader) not in source.code(loops[0].iter):
        raise NoPatch("the loop does not count the loader's batches")
    expression = cst.parse_expression(source.code(target))
    source.change(loops[0], lambda node: node.with_changes(
        target=expression.with_changes(lpar=(), rpar=()), iter=cst.parse_expression(source.code(loader))
    ))
    source.remove(statement)
