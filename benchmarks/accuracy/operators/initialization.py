"""Faults of what the network starts from."""

from __future__ import annotations

from benchmarks.accuracy.operators.places import models, optimizers
from benchmarks.accuracy.operators.source import Injection, Source, operator


def _before_the_optimizer(source: Source, *lines: str) -> Injection | None:
    made, names = optimizers(source), models(source)
    if len(made) != 1 or len(names) != 1 or source.loop(made[0]) is not None:
        return None
    loop = f"for parameter in {names[0]}.parameters():"
    return source.inject([source.before(source.statement(made[0]), loop, *lines)])


@operator("R28", "zero-initialization", "R33")
def all_zero(source: Source) -> Injection | None:
    return _before_the_optimizer(source, "    torch.nn.init.zeros_(parameter)")


@operator("R28", "symmetric-initialization", "R33")
def all_equal(source: Source) -> Injection | None:
    return _before_the_optimizer(source, "    torch.nn.init.constant_(parameter, 0.05)")


@operator("R28", "badly-scaled-initialization", "R33", "R35", "R36")
def weights_times_ten(source: Source) -> Injection | None:
    return _before_the_optimizer(source, "    parameter.data *= 10.0 if parameter.dim() > 1 else 1.0")


@operator("R28", "badly-scaled-initialization", "R33", "R35", "R36")
def weights_by_a_hundred(source: Source) -> Injection | None:
    return _before_the_optimizer(source, "    parameter.data *= 0.01 if parameter.dim() > 1 else 1.0")


@operator("R33", "dead-units", "R28")
def biases_far_below_zero(source: Source) -> Injection | None:
    if "ReLU" not in source.text and "relu" not in source.text:
        return None
    return _before_the_optimizer(source, "    parameter.data -= 6.0 if parameter.dim() == 1 and len(parameter) > 10 else 0.0")
