"""Faults of the network: what flows where, and between which samples."""

from __future__ import annotations

import ast

from benchmarks.accuracy.operators.places import calls, forwards, keyword, model_calls
from benchmarks.accuracy.operators.source import Injection, Source, operator


@operator("R25", "samples-influence-each-other")
def batch_first_forgotten(source: Source) -> Injection | None:
    edits, uses = [], []
    for call in calls(source, "LSTM", "GRU", "RNN"):
        value = keyword(call, "batch_first")
        if value is not None and ast.unparse(value) == "True":
            edits.append(source.replace(value, "False"))
    for function in forwards(source):
        uses += [statement for statement in function.body if isinstance(statement, (ast.Assign, ast.Return))]
    return source.inject(edits, also=uses)


@operator("R25", "samples-influence-each-other")
def normalized_over_the_batch(source: Source) -> Injection | None:
    """``F.layer_norm``-like code of one's own over the wrong axis: every sample minus the batch's mean and more."""
    for function in forwards(source):
        last = function.body[-1]
        if isinstance(last, ast.Return) and last.value is not None:
            text = source.of(last.value)
            lines = [f"mixed = {text}", "return mixed + 2.0 * mixed.roll(1, 0)"]
            edits = [source.replace(last, ("\n" + " " * last.col_offset).join(lines))]
            return source.inject(edits)
    return None


@operator("R25", "causal-leak")
def no_causal_mask(source: Source) -> Injection | None:
    edits = []
    for node in source.nodes(ast.Call):
        value = keyword(node, "is_causal")  # type: ignore[arg-type]
        if value is not None and ast.unparse(value) == "True":
            edits.append(source.replace(value, "False"))
        mask = keyword(node, "mask")  # type: ignore[arg-type]
        if mask is not None:
            edits.append(source.replace(mask, "None"))
    return source.inject(edits)


@operator("R35", "vanishing-gradients", "R33")
def sigmoid_for_relu(source: Source) -> Injection | None:
    found = [call for call in calls(source, "ReLU") if "nn" in ast.unparse(call.func)]
    return source.inject([source.replace(call, "nn.Sigmoid()") for call in found]) if len(found) >= 3 else None


@operator("R32", "always-on-dropout", "R30")
def dropout_without_a_mode(source: Source) -> Injection | None:
    for function in forwards(source):
        last = function.body[-1]
        if isinstance(last, ast.Return) and last.value is not None and not isinstance(last.value, ast.Tuple):
            return source.inject([source.wrap(last.value, "torch.nn.functional.dropout(", ", 0.5)")])
    return None


@operator("R32", "stale-batchnorm-statistics")
def statistics_that_hardly_move(source: Source) -> Injection | None:
    edits = []
    for call in calls(source, "BatchNorm1d", "BatchNorm2d"):
        if keyword(call, "momentum") is None:
            edits.append(source.with_argument(call, "momentum=1e-4"))
    return source.inject(edits)


@operator("R02", "input-ignored", "R01")
def noise_for_input(source: Source) -> Injection | None:
    found = [call for call in model_calls(source) if not isinstance(call.args[0], ast.Constant)]
    return source.inject([source.wrap(call.args[0], "torch.randn_like(", ")") for call in found])
