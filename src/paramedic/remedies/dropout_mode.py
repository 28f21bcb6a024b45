"""Dropout that is off in evaluation."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, argument, with_argument

CHECKS = ("always-on-dropout",)


def rewrite(source: Source, finding: Finding) -> None:
    """``training=self.training`` in every functional dropout of the class around the line."""
    at = line(finding)
    statement = source.statement(at)
    owner = source.outer(statement, cst.ClassDef) if statement is not None else None
    if owner is None:
        raise NoPatch("not in a module's class")
    changed = False
    for call in source.calls(within=owner):
        function = source.function(call)
        if function.startswith("torch") and function.rpartition(".")[2].startswith("dropout"):
            given = argument(call, "training", 2)
            if given is None or source.code(given.value) == "True":
                source.change(call, _as_in_module)
                changed = True
        elif isinstance(call.func, cst.Call) and source.called(call.func) == "Dropout":  # nn.Dropout(0.4)(x)
            given = argument(call.func, "p", 0)
            p = f", p={source.code(given.value)}" if given is not None else ""
            value = source.code(call.args[0].value)
            source.replace(call, f"{source.nn()}.functional.dropout({value}{p}, training=self.training)")
            changed = True
    if not changed:
        raise NoPatch("no dropout function in the class")


def _as_in_module(node: cst.Call) -> cst.Call:
    return with_argument(node, "training", "self.training", 2)
