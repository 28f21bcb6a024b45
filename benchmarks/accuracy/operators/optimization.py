"""Faults of the learning rate, its schedule, the optimizer's other numbers, and how long training goes on."""

from __future__ import annotations

import ast
from collections.abc import Callable

from benchmarks.accuracy.operators.places import batch_loops, calls, keyword, only_step, optimizers
from benchmarks.accuracy.operators.source import Injection, Source, operator


def _scaled(source: Source, name: str, change: Callable[[float], float]) -> Injection | None:
    """A number that is written where the optimizer is made."""
    edits = []
    for call in optimizers(source):
        value = keyword(call, name)
        if value is None and name == "lr" and len(call.args) > 1:
            value = call.args[1]
        if isinstance(value, ast.Constant) and isinstance(value.value, (int, float)):
            edits.append(source.replace(value, f"{change(float(value.value)):g}"))
    return source.inject(edits)


@operator("R36", "learning-rate-too-high", "R33", "R35", "R37")
def rate_times_100(source: Source) -> Injection | None:
    return _scaled(source, "lr", lambda rate: rate * 100)


@operator("R36", "learning-rate-too-high", "R33", "R35", "R37")
def rate_times_20(source: Source) -> Injection | None:
    return _scaled(source, "lr", lambda rate: rate * 20)


@operator("R36", "learning-rate-too-low", "R31")
def rate_by_1000(source: Source) -> Injection | None:
    return _scaled(source, "lr", lambda rate: rate / 1000)


@operator("R36", "learning-rate-too-low", "R31")
def rate_by_50(source: Source) -> Injection | None:
    return _scaled(source, "lr", lambda rate: rate / 50)


@operator("R36", "learning-rate-too-high", "R34", "R35", "R37")
def momentum_nearly_one(source: Source) -> Injection | None:
    return _scaled(source, "momentum", lambda _: 0.998)


def _scheduled(source: Source, made: str) -> Injection | None:
    step, optimizer = only_step(source), optimizers(source)
    if step is None or len(optimizer) != 1:
        return None
    statement = source.statement(optimizer[0])
    if not isinstance(statement, ast.Assign) or source.function(statement) is not source.function(step[1]):
        return None
    held = ast.unparse(statement.targets[0])
    edits = [
        source.after(statement, f"decay = torch.optim.lr_scheduler.{made.format(held)}"),
        source.after(source.statement(step[1]), "decay.step()"),
    ]
    return source.inject(edits, also=optimizer)


@operator("R36", "scheduler-stepped-per-batch", "R31")
def schedule_per_batch(source: Source) -> Injection | None:
    return _scheduled(source, "StepLR({}, step_size=3, gamma=0.5)")


@operator("R36", "scheduler-drives-rate-to-zero", "R31")
def rate_decays_to_zero(source: Source) -> Injection | None:
    return _scheduled(source, "PolynomialLR({}, total_iters=12, power=1.0)")


@operator("R30", "too-much-regularization")
def heavy_weight_decay(source: Source) -> Injection | None:
    edits = []
    for call in optimizers(source):
        value = keyword(call, "weight_decay")
        decoupled = "AdamW" in ast.unparse(call.func)
        amount = "20.0" if decoupled else "0.5"
        if value is not None:
            edits.append(source.replace(value, amount))
        else:
            edits.append(source.with_argument(call, f"weight_decay={amount}"))
    return source.inject(edits)


@operator("R30", "too-much-regularization")
def heavy_dropout(source: Source) -> Injection | None:
    edits = [source.replace(call.args[0], "0.95") for call in calls(source, "Dropout", "Dropout2d") if call.args]
    return source.inject(edits)


@operator("R11", "too-few-updates", "R31", "R36", "R29")
def one_batch_an_epoch(source: Source) -> Injection | None:
    edits = []
    for loop in batch_loops(source):
        for call in ast.walk(loop.iter):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "split":
                if call.args:
                    edits.append(source.replace(call.args[0], "100000"))
    for call in calls(source, "DataLoader"):
        size, shuffled = keyword(call, "batch_size"), keyword(call, "shuffle")
        if size is not None and shuffled is not None and ast.unparse(shuffled) == "True":
            edits.append(source.replace(size, "100000"))
    return source.inject(edits, also=[item for loop in batch_loops(source) for item in _around(source, loop)])


@operator("R31", "stopped-too-early", "R36", "R11")
def one_epoch(source: Source) -> Injection | None:
    edits, places = [], []
    for loop in batch_loops(source):
        for outer in _around(source, loop):
            if isinstance(outer, ast.For) and isinstance(outer.iter, ast.Call) and outer is not loop:
                number = outer.iter.args[-1]
                if isinstance(number, ast.Constant) and isinstance(number.value, int) and number.value >= 4:
                    edits.append(source.replace(number, str(max(1, number.value // 10) + (len(outer.iter.args) > 1))))
                    places += [loop, *optimizers(source)]
    return source.inject(edits, also=places)


def _around(source: Source, loop: ast.For) -> list[ast.stmt]:
    outer = source.loop(loop)
    return [loop, outer] if outer is not None else [loop]
