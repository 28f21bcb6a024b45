"""The other mode for a plateau scheduler or an early stopping."""

from __future__ import annotations

import re

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, argument, with_argument

CHECKS = ("watched-in-wrong-direction", "scheduler-watches-wrong-direction")
POSITION = {"ReduceLROnPlateau": 1, "EarlyStopping": 4}  # of the mode; torch's (optimizer, mode, ...), and callbacks'
TRANSFORMERS = "EarlyStoppingCallback"
MODE = re.compile(r'mode="(min|max)"')  # as the remedy has it


def rewrite(source: Source, finding: Finding) -> None:
    at = line(finding)
    found = [call for call in source.calls() if source.lines(call)[0] <= at <= source.lines(call)[1]]
    wanted = MODE.search(finding.remedy.summary if finding.remedy is not None else "")
    if wanted is None:
        raise NoPatch("the remedy names no mode")
    other = wanted.group(1)
    own = [call for call in found if source.called(call) in POSITION]
    if len(own) == 1:
        _set_mode(source, own[0], other)
    elif any(source.called(call) == TRANSFORMERS for call in found):
        _set_direction(source, other)
    else:
        raise NoPatch("what watches the quantity is not made on the line")


def _set_mode(source: Source, call: cst.Call, other: str) -> None:
    position = POSITION[source.called(call)]
    given = argument(call, "mode", position)
    if given is not None and not isinstance(given.value, cst.SimpleString):
        raise NoPatch("the mode is not written there")
    if any(item.star for item in call.args):
        raise NoPatch("some arguments are not written there")
    source.change(call, lambda node: with_argument(node, "mode", f'"{other}"', position))


def _set_direction(source: Source, other: str) -> None:
    """transformers takes it from the arguments of the training."""
    given = [item for call in source.calls() if (item := argument(call, "greater_is_better")) is not None]
    if len(given) != 1 or not isinstance(given[0].value, cst.Name) or given[0].value.value not in ("True", "False"):
        raise NoPatch("greater_is_better is not written once")
    source.replace(given[0].value, str(other == "max"))
