"""Where things happen in a training program: its step, its losses, its optimizer, its evaluation."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from benchmarks.accuracy.operators.source import Source


def callee(call: ast.AST) -> str:
    """The last name of what is called: ``cross_entropy`` of ``torch.nn.functional.cross_entropy(...)``."""
    if not isinstance(call, ast.Call):
        return ""
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def owner(call: ast.Call) -> str:
    """What the method belongs to, as text: ``optimizer`` of ``optimizer.step()``."""
    return ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def calls(source: Source, *names: str) -> Iterator[ast.Call]:
    for node in source.nodes(ast.Call):
        if callee(node) in names:
            yield node  # type: ignore[misc]


def backwards(source: Source) -> list[ast.Call]:
    return list(calls(source, "backward"))


def steps(source: Source) -> list[ast.Call]:
    """``optimizer.step()``, not a scheduler's."""
    rates = ("sched", "lr_", "warm")
    return [call for call in calls(source, "step") if not any(word in owner(call).lower() for word in rates)]


def only_step(source: Source) -> tuple[ast.Call, ast.Call] | None:
    """Backward and step of a program that has one of each (no GAN, no accumulation)."""
    back, step = backwards(source), steps(source)
    if len(back) != 1 or len(step) != 1 or source.loop(back[0]) is not source.loop(step[0]):
        return None
    if isinstance(source.parents[source.statement(step[0])], ast.If):
        return None
    return back[0], step[0]


def optimizers(source: Source) -> list[ast.Call]:
    """Calls that make an optimizer."""
    names = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Adamax")
    return [call for call in calls(source, *names) if call.args]


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((item.value for item in call.keywords if item.arg == name), None)


def evaluating(source: Source, node: ast.AST) -> bool:
    """Under ``no_grad`` or ``inference_mode``, as a block or a decorator."""
    for item in source.above(node):
        expressions = [part.context_expr for part in item.items] if isinstance(item, ast.With) else []
        expressions += item.decorator_list if isinstance(item, ast.FunctionDef) else []
        if any("no_grad" in ast.unparse(text) or "inference_mode" in ast.unparse(text) for text in expressions):
            return True
    return False


def loss_calls(source: Source, function: str, module: str) -> list[ast.Call]:
    """Training calls ``F.function(prediction, target)`` and ``criterion(prediction, target)`` of nn.module."""
    names = {
        ast.unparse(target)
        for node in source.nodes(ast.Assign)
        if callee(node.value) == module  # type: ignore[attr-defined]
        for target in node.targets  # type: ignore[attr-defined]
    }
    found = [
        node
        for node in source.nodes(ast.Call)
        if (callee(node) == function or ast.unparse(node.func) in names) and len(node.args) >= 2  # type: ignore[attr-defined]
    ]
    return [node for node in found if not evaluating(source, node)]  # type: ignore[misc]


def forwards(source: Source) -> list[ast.FunctionDef]:
    return [node for node in source.nodes(ast.FunctionDef) if node.name == "forward"]  # type: ignore[attr-defined, misc]


def batch_loops(source: Source) -> list[ast.For]:
    """Loops whose body goes backward, innermost."""
    loops = {source.loop(call) for call in backwards(source)}
    return [loop for loop in loops if isinstance(loop, ast.For)]


def pair(loop: ast.For) -> tuple[str, str] | None:
    """Names of input and target where a loop unpacks two of them, also under ``enumerate``."""
    target = loop.target
    if isinstance(target, ast.Tuple) and len(target.elts) == 2 and isinstance(target.elts[1], ast.Tuple):
        target = target.elts[1]
    if isinstance(target, ast.Tuple) and len(target.elts) == 2:
        if callee(loop.iter) in ("enumerate", "zip", "items") and target is loop.target:
            if callee(loop.iter) != "zip":
                return None
        names = [item.id for item in target.elts if isinstance(item, ast.Name)]
        return (names[0], names[1]) if len(names) == 2 else None
    return None


def models(source: Source) -> list[str]:
    """What is called with one argument as the first argument of a loss, or whose parameters are optimized."""
    found = []
    for call in optimizers(source):
        inner = call.args[0]
        if callee(inner) == "parameters":
            found.append(owner(inner))  # type: ignore[arg-type]
    return found


def model_calls(source: Source) -> list[ast.Call]:
    names = models(source)
    return [
        node
        for node in source.nodes(ast.Call)
        if ast.unparse(node.func) in names and len(node.args) == 1 and not node.keywords  # type: ignore[attr-defined, misc]
    ]
