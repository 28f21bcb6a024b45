"""Inputs and targets cut with one and the same index."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, dotted

CHECKS = ("labels-mispaired", "labels-shifted", "target-not-shifted")
Cut = tuple[cst.Subscript, cst.BaseSlice]  # something with one index, and that index


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check == "target-not-shifted":
        _next_token(source, line(finding))
    else:
        _same_index(source, line(finding))


def _same_index(source: Source, at: int) -> None:
    """``x, t = X[rows], T[start : start + size]`` and ``return x[i], y[i - 1]``: the target gets the input's index."""
    inputs, targets = _pair(source, at)
    if source.code(inputs[1]) == source.code(targets[1]):
        raise NoPatch("both have the same index")
    source.change(targets[1], lambda _: inputs[1])


def _pair(source: Source, at: int) -> tuple[Cut, Cut]:
    """The two things of two names that are cut and put together on the line: inputs, then targets."""
    statement = source.statement(at)
    for node in source.nodes(cst.Tuple, statement) if statement is not None else ():
        cuts = [_cut(item.value) for item in node.elements]
        if len(cuts) == 2 and cuts[0] is not None and cuts[1] is not None:
            if dotted(cuts[0][0].value) != dotted(cuts[1][0].value):
                return cuts[0], cuts[1]
    raise NoPatch("no pair of an input and a target on the line")


def _cut(node: cst.BaseExpression) -> Cut | None:
    if isinstance(node, cst.Subscript) and len(node.slice) == 1 and dotted(node.value) is not None:
        return node, node.slice[0].slice
    return None


def _next_token(source: Source, at: int) -> None:
    """The second of two equal cuts of the tokens, for input and target, begins and ends one later.

    Looked for in the function on the line, and in those that it calls or whose batches it goes over: a pair of
    statements (``x = ...[i : i + n]...``, ``y = ...[i : i + n]...``) or a tuple, and only if there is one in the file.
    """
    found = [*_equal_tuples(source), *_equal_statements(source)]
    if len(found) != 1:
        raise NoPatch("no single place where input and target are cut alike")
    source.replace(*_later(source, found[0]))


def _equal_tuples(source: Source) -> list[cst.Subscript]:
    """``tokens[:n], tokens[:n]``."""
    found = []
    for node in source.nodes(cst.Tuple):
        values = [item.value for item in node.elements]
        if len(values) == 2 and source.code(values[0]) == source.code(values[1]):
            found += [item for item in source.nodes(cst.Subscript, values[1]) if _is_slice(item)][:1]
    return found


def _equal_statements(source: Source) -> list[cst.Subscript]:
    """Two assignments, one after the other, of the same expression with one slice in it."""
    found = []
    for statement in source.nodes(cst.SimpleStatementLine):
        block = source.block(statement)
        place = next(number for number, item in enumerate(block) if item is statement)
        before = block[place - 1] if place else None
        if not isinstance(before, cst.SimpleStatementLine) or len(before.body) != 1 or len(statement.body) != 1:
            continue
        one, other = before.body[0], statement.body[0]
        if not isinstance(one, cst.Assign) or not isinstance(other, cst.Assign):
            continue
        if source.code(one.value) == source.code(other.value) and dotted(one.targets[0].target) is not None:
            slices = [item for item in source.nodes(cst.Subscript, other.value) if _is_slice(item)]
            found += slices if len(slices) == 1 else []
    return found


def _is_slice(node: cst.Subscript) -> bool:
    return len(node.slice) == 1 and isinstance(node.slice[0].slice, cst.Slice) and node.slice[0].slice.step is None


def _later(source: Source, node: cst.Subscript) -> tuple[cst.Subscript, str]:
    """``tokens[i : i + n]`` as ``tokens[i + 1 : i + n + 1]``."""
    cut = node.slice[0].slice
    assert isinstance(cut, cst.Slice)
    if cut.upper is None or isinstance(cut.upper, cst.UnaryOperation):
        raise NoPatch("the cut has no end that could be moved")
    lower = f"{source.code(cut.lower)} + 1" if cut.lower is not None else "1"
    return node, f"{source.code(node.value)}[{lower} : {source.code(cut.upper)} + 1]"
