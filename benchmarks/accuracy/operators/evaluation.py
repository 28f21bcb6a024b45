"""Faults of what is reported, in a program that learns."""

from __future__ import annotations

import ast

from benchmarks.accuracy.operators.places import calls, evaluating
from benchmarks.accuracy.operators.source import Injection, Source, operator


@operator("R21", "argmax-over-wrong-dimension", metric=True)
def argmax_over_the_batch(source: Source) -> Injection | None:
    edits = []
    for call in calls(source, "argmax"):
        if call.args and evaluating(source, call) and ast.unparse(call.args[-1]) in ("1", "-1"):
            edits.append(source.replace(call.args[-1], "0"))
    return source.inject(edits)


@operator("R21", "metric-over-the-last-batch-only", metric=True)
def only_the_last_batch_counts(source: Source) -> Injection | None:
    edits = []
    for node in source.nodes(ast.AugAssign):
        if evaluating(source, node) and isinstance(node.op, ast.Add):  # type: ignore[attr-defined]
            text = f"{source.of(node.target)} = {source.of(node.value)}"  # type: ignore[attr-defined]
            edits.append(source.replace(node, text))
            break
    return source.inject(edits)


@operator("R21", "metric-divided-by-wrong-count", metric=True)
def divided_by_the_wrong_count(source: Source) -> Injection | None:
    """``/ len(targets)`` becomes ``/ len(inputs of the loader)``-like: half of the right count."""
    edits = []
    for node in source.nodes(ast.BinOp):
        if isinstance(node.op, ast.Div) and isinstance(node.right, ast.Call):  # type: ignore[attr-defined]
            call = node.right  # type: ignore[attr-defined]
            if isinstance(call.func, ast.Name) and call.func.id == "len" and "sum" in source.of(node.left):  # type: ignore[attr-defined]
                edits.append(source.wrap(call, "(", " // 2)"))
    return source.inject(edits)
