"""Faults of the order of a training step, of what the optimizer holds, and of the mode."""

from __future__ import annotations

import ast

from benchmarks.accuracy.operators.places import (
    backwards,
    batch_loops,
    callee,
    calls,
    evaluating,
    models,
    only_step,
    optimizers,
)
from benchmarks.accuracy.operators.source import Injection, Source, operator


def _zero_grads(source: Source) -> list[ast.Call]:
    loops = batch_loops(source)
    return [call for call in calls(source, "zero_grad") if source.loop(call) in loops]


@operator("R34", "missing-zero-grad", "R36", "R35")
def no_zero_grad(source: Source) -> Injection | None:
    found, step = _zero_grads(source), only_step(source)
    if len(found) != 1 or step is None:
        return None
    edits = [source.delete(source.statement(found[0]))]
    return source.inject(edits, also=[*step, *batch_loops(source), *optimizers(source)])


@operator("R34", "zero-grad-between-backward-and-step", "R23")
def zero_grad_after_backward(source: Source) -> Injection | None:
    found, step = _zero_grads(source), only_step(source)
    if len(found) != 1 or step is None:
        return None
    moved = source.of(source.statement(found[0]))
    edits = [source.delete(source.statement(found[0])), source.after(source.statement(step[0]), moved)]
    return source.inject(edits, also=step)


@operator("R23", "missing-step", "R33", "R36")
def no_step(source: Source) -> Injection | None:
    step = only_step(source)
    if step is None:
        return None
    return source.inject(
        [source.delete(source.statement(step[1]))],
        also=[step[0], *batch_loops(source), *optimizers(source), *_zero_grads(source)],
    )


@operator("R23", "missing-backward", "R34")
def no_backward(source: Source) -> Injection | None:
    step = only_step(source)
    if step is None:
        return None
    edits = [source.delete(source.statement(step[0]))]
    return source.inject(edits, also=[step[1], *batch_loops(source), *optimizers(source)])


@operator("R23", "frozen-parameters")
def all_but_the_head_frozen(source: Source) -> Injection | None:
    made, names = optimizers(source), models(source)
    if len(made) != 1 or len(names) != 1:
        return None
    line = f"for parameter in list({names[0]}.parameters())[:-2]:"
    edit = source.before(source.statement(made[0]), line, "    parameter.requires_grad_(False)")
    return source.inject([edit], also=made)


@operator("R23", "parameters-not-optimized")
def only_the_head_optimized(source: Source) -> Injection | None:
    made = [call for call in optimizers(source) if callee(call.args[0]) == "parameters"]
    if len(made) != 1:
        return None
    return source.inject([source.wrap(made[0].args[0], "list(", ")[-2:]")])


@operator("R23", "optimizer-over-stale-parameters")
def model_copied_after_the_optimizer(source: Source) -> Injection | None:
    made, names = optimizers(source), models(source)
    if len(made) != 1 or len(names) != 1:
        return None
    statement = source.statement(made[0])
    if source.loop(statement) is not None:
        return None
    edit = source.after(statement, f"{names[0]} = __import__('copy').deepcopy({names[0]})")
    return source.inject([edit], also=made)


@operator("R23", "parameters-not-registered", "R33")
def layers_in_a_list(source: Source) -> Injection | None:
    edits = [source.replace(call, f"list({source.of(call.args[0])})") for call in calls(source, "ModuleList") if call.args]
    return source.inject(edits, also=optimizers(source))


@operator("R32", "training-in-eval-mode", "R28", "R35")
def training_in_eval_mode(source: Source) -> Injection | None:
    """Every ``model.train()`` goes; where none is in the way, the mode is eval from the first evaluation on."""
    modes = [call for call in calls(source, "train") if not call.args]
    evals = list(calls(source, "eval"))
    if not modes or not evals:
        return None
    edits = [source.delete(source.statement(call)) for call in modes]
    return source.inject(edits, also=[*evals, *batch_loops(source), *backwards(source)])


@operator("R32", "validating-in-train-mode")
def no_eval(source: Source) -> Injection | None:
    found = list(calls(source, "eval"))
    regularized = any(word in source.text for word in ("BatchNorm", "Dropout", "dropout"))
    if not found or not regularized:
        return None
    seen = [node for node in source.nodes(ast.Call) if evaluating(source, node)]
    return source.inject([source.delete(source.statement(call)) for call in found], also=seen)
