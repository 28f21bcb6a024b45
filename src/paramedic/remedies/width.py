"""A wider layer in the place of the one that nothing gets through."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.constants import literal_of
from paramedic.remedies.objects import evidence, line
from paramedic.remedies.source import NoPatch, Source, argument, number

CHECKS = ("network-too-small",)
# Where a layer's constructor has the number that it gives: (name, position).
GIVES = {
    "Linear": ("out_features", 1), "LazyLinear": ("out_features", 0), "Conv1d": ("out_channels", 1),
    "Conv2d": ("out_channels", 1), "Conv3d": ("out_channels", 1), "Embedding": ("embedding_dim", 1),
    "EmbeddingBag": ("embedding_dim", 1), "LSTM": ("hidden_size", 1), "GRU": ("hidden_size", 1), "RNN": ("hidden_size", 1),
}  # fmt: skip
# And the number that it takes.
TAKES = {
    "Linear": ("in_features", 0), "Conv1d": ("in_channels", 0), "Conv2d": ("in_channels", 0), "Conv3d": ("in_channels", 0),
    "LSTM": ("input_size", 0), "GRU": ("input_size", 0), "RNN": ("input_size", 0), "BatchNorm1d": ("num_features", 0),
    "BatchNorm2d": ("num_features", 0), "LayerNorm": ("normalized_shape", 0),
}  # fmt: skip
NORMS = frozenset({"BatchNorm1d", "BatchNorm2d", "LayerNorm"})


def rewrite(source: Source, finding: Finding) -> None:
    """The layer gets the width of the simple model that learned; what follows it takes as much."""
    width, wide = (evidence(finding, name) for name in (
        "numbers per sample in the narrowest layer", "width of the simple model that learns"
    ))
    if not isinstance(width, int) or not isinstance(wide, int):
        raise NoPatch("the width is not known")
    narrow = [
        (call, given) for call in source.calls(line(finding))
        if (given := _given(source, call, GIVES, width)) is not None
    ]
    if len(narrow) != 1:
        raise NoPatch("no single layer of this width on the line")
    call, given = narrow[0]
    literal = literal_of(source, given)
    if literal is not given:  # a name: whoever takes what the layer gives reads it as well
        if _readers(source, call, given) == 0:
            raise NoPatch("the number is not read by the layer behind it")
        source.replace(literal, str(wide))
        return
    followers = _behind(source, call, width)
    for item in (given, *followers):
        source.replace(item, str(wide))


def _given(source: Source, call: cst.Call, table: dict[str, tuple[str, int]], width: int) -> cst.BaseExpression | None:
    """The argument of a layer that has this value."""
    known = table.get(source.called(call))
    item = argument(call, *known) if known is not None else None
    if item is None:
        return None
    try:
        value = number(literal_of(source, item.value))
    except NoPatch:
        return None
    return item.value if value == width else None


def _readers(source: Source, call: cst.Call, given: cst.BaseExpression) -> int:
    """How many other layers of the file take the same expression."""
    code = source.code(given)
    found = [
        item for other in source.calls()
        if other is not call and (known := TAKES.get(source.called(other))) is not None
        and (item := argument(other, *known)) is not None and code in source.code(item.value)
    ]
    return len(found)


def _behind(source: Source, call: cst.Call, width: int) -> list[cst.BaseExpression]:
    """The numbers of the norms and of the one layer that take what ``call`` gives; NoPatch if that is not clear."""
    holder = source.outer(call, cst.FunctionDef) or source.module
    first = source.lines(call)
    later = [
        (item, other) for other in source.calls(within=holder)
        if other is not call and source.lines(other) >= first and (item := _given(source, other, TAKES, width)) is not None
        and number(item) is not None
    ]
    taking = [other for _, other in later if source.called(other) not in NORMS]
    if len(taking) != 1:
        raise NoPatch("it is not clear which layer comes behind")
    return [item for item, _ in later]
