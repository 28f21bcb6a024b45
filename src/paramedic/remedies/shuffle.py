"""Batches in a new random order, and a new batch in every step."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import LOOPS, evidence, line
from paramedic.remedies.source import (
    NoPatch,
    Source,
    argument,
    dotted,
    names_in,
    with_argument,
    without_argument,
)

CHECKS = ("unshuffled-training-data", "same-batch-repeated", "single-label-batches")
# Samplers that do more than to order the rows.
MEANT = frozenset({"DistributedSampler", "WeightedRandomSampler", "SubsetRandomSampler"})


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check == "same-batch-repeated":
        _next_batch(source, line(finding))
    else:
        call = _loader(source, line(finding))
        if finding.check == "single-label-batches" and _without_sampler(source, call, evidence(finding, "rows of a batch")):
            return
        _shuffled(source, call)


def _loader(source: Source, at: int) -> cst.Call:
    loaders = [call for call in source.calls() if source.called(call) == "DataLoader"]
    here = [call for call in loaders if source.lines(call)[0] <= at <= source.lines(call)[1]]
    if not here:
        here = _iterated(source, at, loaders)
    if len(here) != 1:
        raise NoPatch("no single DataLoader on the line")
    return here[0]


def _shuffled(source: Source, call: cst.Call) -> None:
    given = argument(call, "shuffle", 2)
    if given is not None and source.code(given.value) != "False":
        raise NoPatch("shuffle is given already")
    if any(argument(call, name) is not None for name in ("sampler", "batch_sampler")) or _iterable(source, call):
        raise NoPatch("the order comes from a sampler or stream")
    source.change(call, lambda node: with_argument(node, "shuffle", "True", 2))


def _without_sampler(source: Source, call: cst.Call, rows: object) -> bool:
    """``batch_sampler=OneClass(...)`` becomes ``batch_size=N, shuffle=True`` with N as measured; False without a sampler."""
    given = argument(call, "batch_sampler", 4) or argument(call, "sampler", 3)
    if given is None:
        return False
    if set(names_in(given)) & MEANT or {source.called(item) for item in source.calls(within=given)} & MEANT:
        raise NoPatch("the sampler does more than to order the rows")
    whole = given is argument(call, "batch_sampler", 4)
    if whole and (not isinstance(rows, int) or rows < 2):
        raise NoPatch("the number of rows of a batch is not known")
    index = call.args.index(given)

    def changed(node: cst.Call) -> cst.Call:
        node = without_argument(node, node.args[index])
        if whole:
            node = with_argument(node, "batch_size", str(rows))
        return with_argument(node, "shuffle", "True")

    source.change(call, changed)
    return True


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
