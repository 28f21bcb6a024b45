"""As many outputs as there are classes."""

from __future__ import annotations

import re

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.constants import literal_of
from paramedic.remedies.objects import evidence, model, model_of, optimizers
from paramedic.remedies.source import NoPatch, Source, argument, number

CHECKS = ("label-out-of-range",)


def rewrite(source: Source, finding: Finding) -> None:
    """The last linear layer of the model gets one output per label."""
    labels = re.fullmatch(r"(-?\d+) to (-?\d+)", str(evidence(finding, "smallest and largest label")))
    outputs = evidence(finding, "outputs")
    if labels is None or int(labels.group(1)) < 0 or not isinstance(outputs, int):
        raise NoPatch("negative labels")
    wanted = int(labels.group(2)) + 1
    if int(labels.group(1)) == 1 and wanted == outputs + 1:
        raise NoPatch("the labels are counted from 1; another output would only hide it")
    every = optimizers(source)
    if len(every) != 1:
        raise NoPatch("it is not clear which network is meant")
    definition = model(source, model_of(source, every[0])).definition
    layers = [
        call for call in source.calls(within=definition)
        if source.called(call) in ("Linear", "LazyLinear", "Conv2d") and (item := _outputs(call)) is not None
        and _value(source, item) == outputs
    ]
    if not layers:
        raise NoPatch("no layer with this number of outputs")
    given = _outputs(layers[-1])
    assert given is not None
    source.replace(given if number(given) is not None else literal_of(source, given), str(wanted))


def _outputs(call: cst.Call) -> cst.BaseExpression | None:
    given = argument(call, "out_features", 1) or argument(call, "out_channels", 1)
    return given.value if given is not None else None


def _value(source: Source, node: cst.BaseExpression) -> float | None:
    try:
        return number(literal_of(source, node))
    except NoPatch:
        return None
