"""Faults of the loss: what it is given, how it is reduced, which way it goes."""

from __future__ import annotations

import ast

from benchmarks.accuracy.operators.places import backwards, callee, calls, forwards, keyword, loss_calls
from benchmarks.accuracy.operators.source import Injection, Source, operator

SQUARED = ("mse_loss", "MSELoss")


def _wrapped(source: Source, function: str, module: str, before: str, after: str) -> Injection | None:
    """The prediction of every such loss, wrapped."""
    found = loss_calls(source, function, module)
    return source.inject([source.wrap(call.args[0], before, after) for call in found])


@operator("R19", "softmax-before-cross-entropy")
def softmax_before_cross_entropy(source: Source) -> Injection | None:
    return _wrapped(source, "cross_entropy", "CrossEntropyLoss", "torch.softmax(", ", dim=1)")


@operator("R19", "softmax-before-cross-entropy")
def softmax_in_the_last_layer(source: Source) -> Injection | None:
    """``nn.Softmax(dim=1)`` after the last linear layer of a Sequential."""
    if not loss_calls(source, "cross_entropy", "CrossEntropyLoss"):
        return None
    stacks = [call for call in calls(source, "Sequential") if call.args and callee(call.args[-1]) == "Linear"]
    return source.inject([source.wrap(stacks[-1].args[-1], "", ", nn.Softmax(dim=1)")]) if stacks else None


@operator("R19", "sigmoid-before-bce-with-logits")
def sigmoid_before_bce_with_logits(source: Source) -> Injection | None:
    return _wrapped(source, "binary_cross_entropy_with_logits", "BCEWithLogitsLoss", "torch.sigmoid(", ")")


@operator("R19", "nll-loss-without-log-softmax")
def nll_without_log_softmax(source: Source) -> Injection | None:
    edits = []
    for call in calls(source, "cross_entropy", "CrossEntropyLoss"):
        if not call.keywords:
            name = "nll_loss" if callee(call) == "cross_entropy" else "NLLLoss"
            edits.append(source.replace(call.func, f"torch.nn.{'functional.' if name == 'nll_loss' else ''}{name}"))
    return source.inject(edits, also=loss_calls(source, "cross_entropy", "CrossEntropyLoss"))


@operator("R19", "squashed-regression-output", "R33")
def sigmoid_on_regression(source: Source) -> Injection | None:
    return _wrapped(source, *SQUARED, "torch.sigmoid(", ")")


@operator("R19", "squashed-regression-output", "R33")
def relu_on_logits(source: Source) -> Injection | None:
    return _wrapped(source, "cross_entropy", "CrossEntropyLoss", "torch.relu(", ")")


@operator("R19", "shape-broadcast-in-loss", "R18")
def broadcast_in_loss(source: Source) -> Injection | None:
    found = loss_calls(source, *SQUARED)
    edits = [source.wrap(call.args[0], "(", ").reshape(-1, 1)") for call in found]
    return source.inject(edits + [source.wrap(call.args[1], "(", ").reshape(-1)") for call in found])


@operator("R19", "softmax-over-wrong-dimension")
def softmax_over_the_batch(source: Source) -> Injection | None:
    """``dim=1`` becomes ``dim=0`` in a log_softmax of the model or the loss."""
    edits = []
    for call in calls(source, "log_softmax", "LogSoftmax"):
        dim = keyword(call, "dim")
        if dim is not None and ast.unparse(dim) in ("1", "-1"):
            edits.append(source.replace(dim, "0"))
    return source.inject(edits)


@operator("R18", "sum-reduced-loss", "R36", "R35", "R37")
def sum_instead_of_mean(source: Source) -> Injection | None:
    names = ("MSELoss", "CrossEntropyLoss", "BCEWithLogitsLoss", "mse_loss", "cross_entropy", "smooth_l1_loss")
    found = [call for call in calls(source, *names) if keyword(call, "reduction") is None]
    edits = [source.with_argument(call, 'reduction="sum"') for call in found]
    return source.inject(edits, also=backwards(source))


@operator("R18", "custom-loss-sign", "R36", "R37")
def climbing_the_loss(source: Source) -> Injection | None:
    back = backwards(source)
    if len(back) != 1 or not isinstance(back[0].func, ast.Attribute) or back[0].args:
        return None
    value = back[0].func.value
    return source.inject([source.wrap(value, "(-", ")")])


@operator("R37", "non-finite-origin", "R18")
def root_of_zero(source: Source) -> Injection | None:
    """A term whose value is 0 and whose gradient is nan: the root of a squared difference of equal things."""
    back = backwards(source)
    if len(back) != 1 or not isinstance(back[0].func, ast.Attribute) or back[0].args:
        return None
    name = source.of(back[0].func.value)
    line = f"{name} = {name} + 0.1 * torch.sqrt(({name} - {name}.detach()) ** 2)"
    return source.inject([source.before(source.statement(back[0]), line)], also=back)


@operator("R20", "loss-components-out-of-balance")
def one_term_outweighs(source: Source) -> Injection | None:
    """A weight between 0 and 1 of the second of two terms becomes 1000 times as large."""
    for node in source.nodes(ast.BinOp):
        if not isinstance(node.op, ast.Add) or not isinstance(node.right, ast.BinOp):  # type: ignore[attr-defined]
            continue
        weight = node.right.left  # type: ignore[attr-defined]
        statement = ast.unparse(source.statement(node))
        if isinstance(weight, ast.Constant) and isinstance(weight.value, float) and "loss" in statement:
            return source.inject([source.replace(weight, repr(weight.value * 1000))])
    return None


@operator("R23", "parameters-not-reached")
def detached_in_forward(source: Source) -> Injection | None:
    """The first hidden value of a forward method leaves the graph."""
    for function in forwards(source):
        for statement in function.body:
            calm = isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call)
            if calm and isinstance(statement.targets[0], ast.Name):  # type: ignore[attr-defined]
                return source.inject([source.wrap(statement.value, "(", ").detach()")])  # type: ignore[attr-defined]
    return None
