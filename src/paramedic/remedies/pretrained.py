"""Images brought to the values that a pretrained network was trained with."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.checks.preprocessing.pretrained_preprocessing import VALUES
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, argument, dotted

CHECKS = ("pretrained-preprocessing",)
# The names of measurements.data.pretrained.RECIPES.
UNIT, IMAGENET = "values in [0, 1]", "mean and standard deviation of ImageNet"
TO_UNIT = {
    UNIT: "{x}",
    "values in [-1, 1]": "({x} + 1) / 2",
    "values in [0, 255]": "{x} / 255",
    "values divided by 255 twice": "{x} * 255",
}
FROM_UNIT = {
    UNIT: "{x}",
    "values in [-1, 1]": "2 * ({x}) - 1",
    "values in [0, 255]": "255 * ({x})",
    IMAGENET: "({x} - mean) / std",
}
REVERSED = ", channels in reverse order (RGB or BGR)"
STATISTICS = (
    "mean = {torch}.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)",
    "std = {torch}.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)",
)


def rewrite(source: Source, finding: Finding) -> None:
    """After the statement that gives the images their last value, before they are put into data sets."""
    given = next((item for item in finding.evidence if item.name == VALUES), None)
    if given is None or not isinstance(given.value, str):
        raise NoPatch("the values of the images are not known")
    name, statement = _images(source, line(finding))
    value = _changed(name, str(given.value), given.expected)
    new = [text.format(torch=source.torch()) for text in STATISTICS] if given.expected == IMAGENET else []
    if new and any(source.assignments(taken) for taken in ("mean", "std")):
        raise NoPatch("the names mean and std are taken")
    source.after(statement, *new, f"{name} = {value}")


def _changed(name: str, have: str, wanted: str) -> str:
    if wanted == have + REVERSED:
        return f"{name}.flip(1)"
    if have not in TO_UNIT or wanted not in FROM_UNIT:
        raise NoPatch("no formula from the one to the other")
    return FROM_UNIT[wanted].format(x=TO_UNIT[have].format(x=name))


def _images(source: Source, at: int) -> tuple[str, cst.SimpleStatementLine]:
    """The tensor that all data sets of the file are cut from, and the last statement that assigns it."""
    sets = [call for call in source.calls() if source.called(call) == "TensorDataset" and call.args]
    names = {dotted(_uncut(call.args[0].value)) for call in sets}
    name = next(iter(names)) if len(names) == 1 else None
    if name is None:
        raise NoPatch("no single tensor that the data sets are cut from")
    statements = [item for node in source.assignments(name) if (item := source.line_of(node)) is not None]
    first = min(source.lines(call)[0] for call in sets)
    last = statements[-1] if statements else None
    if last is None or source.lines(last)[1] >= first or source.outer(last, cst.FunctionDef) is not None:
        raise NoPatch("the images are not assigned before the data sets")
    if not any(argument(call, "dataset", 0) for call in source.calls() if source.called(call) == "DataLoader"):
        raise NoPatch(f"line {at} has no loader")
    return name, last


def _uncut(node: cst.BaseExpression) -> cst.BaseExpression:
    return node.value if isinstance(node, cst.Subscript) else node
