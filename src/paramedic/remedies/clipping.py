"""A limit on the norm of the gradients, before the step."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import Optimizer, in_scope, model_of, optimizers, steps
from paramedic.remedies.source import NoPatch, Source, names_in

CHECKS = ("exploding-gradients",)
NORM = 1.0  # what the experiment clips to


def rewrite(source: Source, finding: Finding) -> None:
    if finding.remedy is None or "clip" not in finding.remedy.summary:
        raise NoPatch("the remedy is another one")
    every, stepped = optimizers(source), steps(source)
    if len(every) != 1 or len(stepped) != 1:
        raise NoPatch("not exactly one optimizer and one step")
    statement = stepped[0][1]
    source.before(statement, f"{source.nn()}.utils.clip_grad_norm_({_parameters(source, every[0], statement)}, {NORM})")


def _parameters(source: Source, optimizer: Optimizer, statement: cst.CSTNode) -> str:
    """``model.parameters()``, or the lists of tensors that the optimizer is given."""
    given = optimizer.call.args[0].value if optimizer.call.args else None
    names = set(names_in(given)) if isinstance(given, (cst.Name, cst.BinaryOperation)) else set()
    if names and all(_is_list(source, name) and in_scope(source, name, statement) for name in names):
        return source.code(given)  # type: ignore[arg-type]
    name = model_of(source, optimizer)
    if name.startswith("self.") != optimizer.name.startswith("self."):
        raise NoPatch("the model cannot be read there")
    return f"{name}.parameters()"


def _is_list(source: Source, name: str) -> bool:
    """Whether a name is a list wherever it is assigned: a generator would be used up by the optimizer."""
    values = [node.value for node in source.assignments(name)]
    made = [isinstance(item, cst.Call) and source.called(item) in ("list", "ParameterList") for item in values]
    written = [isinstance(item, (cst.List, cst.ListComp)) for item in values]
    return bool(values) and all(one or other for one, other in zip(made, written, strict=True))
