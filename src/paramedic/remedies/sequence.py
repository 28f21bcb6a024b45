"""``batch_first=True``, the causal mask of a transformer encoder, padding of the past only."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import (
    NoPatch,
    Source,
    argument,
    dotted,
    number,
    with_argument,
    without_argument,
)

CHECKS = ("samples-influence-each-other", "causal-leak", "batch-size-dependent-output")
BATCH_FIRST = frozenset(
    "LSTM GRU RNN MultiheadAttention TransformerEncoderLayer TransformerDecoderLayer Transformer".split()
)
RECURRENT = frozenset({"LSTM", "GRU", "RNN"})


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check == "causal-leak":
        _mask(source, line(finding))
    else:
        _batch_first(source, line(finding))


def _batch_first(source: Source, at: int) -> None:
    """Only where the layer called on the line (or all of the file) have no batch_first."""
    of_torch = [call for call in source.calls() if source.function(call).startswith("torch.nn")]
    found = [call for call in of_torch if source.called(call) in BATCH_FIRST]
    without = [call for call in found if argument(call, "batch_first") is None]
    if not without or len(without) != len(found):
        raise NoPatch("no layer without batch_first, or only some")
    if any(word in source.code(node) for node in source.calls(at) for word in ("transpose", "permute")):
        raise NoPatch("dimensions are swapped on the line")
    for call in without:
        source.change(call, lambda node: with_argument(node, "batch_first", "True"))


def _mask(source: Source, at: int) -> None:
    """The square mask for an encoder that is called with nothing but its input; else the other doors of the future."""
    for call in source.calls(at):
        name = dotted(call.func)
        made = [node.value for node in source.assignments(name)] if name else []
        kinds = {source.called(item) for item in made if isinstance(item, cst.Call)}
        if not kinds & {"TransformerEncoder", "TransformerEncoderLayer"} or len(call.args) != 1:
            continue
        layers = [item for item in source.calls() if source.called(item) == "TransformerEncoderLayer"]
        given = [argument(item, "batch_first") for item in layers]
        first = all(item is not None and source.code(item.value) == "True" for item in given) and bool(given)
        value = source.code(call.args[0].value)
        if not isinstance(call.args[0].value, (cst.Name, cst.Attribute)):
            raise NoPatch("the input has no name")
        mask = f"{source.nn()}.Transformer.generate_square_subsequent_mask({value}.size({1 if first else 0}))"
        keyword = "mask" if "TransformerEncoder" in kinds else "src_mask"
        source.change(call, lambda node, keyword=keyword, mask=mask: with_argument(  # type: ignore[misc]
            with_argument(node, keyword, mask), "is_causal", "True"
        ))
        return
    for other in (_fused_attention, _padding, _convolution, _one_direction):
        if other(source, at):
            return
    raise NoPatch("no transformer encoder without a mask on the line")


def _fused_attention(source: Source, at: int) -> bool:
    """``is_causal=True`` for scaled_dot_product_attention without a mask."""
    found = [call for call in source.calls(at) if source.called(call) == "scaled_dot_product_attention"]
    if len(found) != 1 or argument(found[0], "attn_mask", 3) is not None:
        return False
    source.change(found[0], lambda node: with_argument(node, "is_causal", "True", 5))
    return True


def _padding(source: Source, at: int) -> bool:
    """``F.pad(x, (n, n))`` in front of a convolution: all of it on the left."""
    found = [call for call in source.calls(at) if source.called(call) == "pad"]
    given = argument(found[0], "pad", 1) if len(found) == 1 else None
    sides = [item.value for item in given.value.elements] if given is not None and isinstance(given.value, cst.Tuple) else []
    if len(sides) != 2 or source.code(sides[0]) != source.code(sides[1]) or number(sides[0]) == 0:
        return False
    side = sides[0]
    if isinstance(side, cst.BinaryOperation) and isinstance(side.operator, cst.FloorDivide) and number(side.right) == 2:
        whole = source.code(side.left)
    else:
        whole = f"2 * {source.code(side)}" if isinstance(side, (cst.Name, cst.Attribute, cst.Integer)) else ""
    if not whole:
        return False
    source.replace(side, whole)
    source.replace(sides[1], "0")
    return True


def _convolution(source: Source, at: int) -> bool:
    """``nn.Conv1d(..., padding=p)``: no padding of its own, and all of it on the left in front of it."""
    made, called = _conv_at(source, at)
    if made is None or argument(made, "padding_mode") is not None:
        return False
    given = argument(made, "padding", 4)
    kernel, stride = argument(made, "kernel_size", 2), argument(made, "stride", 3)
    if given is None or kernel is None or stride is not None and number(stride.value) != 1:
        return False
    dilation = argument(made, "dilation", 5)
    ahead = _past(source, kernel.value, dilation.value if dilation is not None else None)
    if called is not None:
        name = dotted(called.func)
        size = f"{name}.dilation[0] * ({name}.kernel_size[0] - 1)"
        value = called.args[0].value
        source.replace(value, f"{source.nn()}.functional.pad({source.code(value)}, ({size}, 0))")
    else:
        holder = source.parent(source.parent(made))  # type: ignore[arg-type]
        if not _listed(source, made, holder):
            return False
        element = source.parent(made)
        assert element is not None
        pad = cst.parse_expression(f"{source.nn()}.ConstantPad1d(({ahead}, 0), 0.0)")
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        source.change(element, lambda node: cst.FlattenSentinel([node.with_changes(value=pad, comma=comma), node]))
    source.change(made, lambda node: without_argument(node, node.args[made.args.index(given)]))
    return True


def _one_direction(source: Source, at: int) -> bool:
    """``bidirectional=True`` goes, and what takes two states per position takes one."""
    found = [call for call in source.calls(at) if source.called(call) in RECURRENT]
    if not found:  # where the layer is called
        names = {dotted(call.func) for call in source.calls(at)} - {None}
        made = [node.value for name in names for node in source.assignments(str(name))]
        found = [item for item in made if isinstance(item, cst.Call) and source.called(item) in RECURRENT]
    given = argument(found[0], "bidirectional") if len(found) == 1 else None
    width = argument(found[0], "hidden_size", 1) if given is not None else None
    if given is None or width is None or source.code(given.value) != "True":
        return False
    layer, code, size = found[0], source.code(width.value), number(width.value)
    twice = {f"2 * {code}", f"{code} * 2", f"2*{code}", f"{code}*2"} | ({f"{2 * size:g}"} if size is not None else set())
    takers = [
        item.value for call in source.calls(within=source.outer(layer, cst.ClassDef))
        if call is not layer and call.args and source.code((item := call.args[0]).value) in twice
        and source.function(call).startswith("torch.nn")
    ]
    if len(takers) != 1:
        return False
    source.replace(takers[0], code)
    source.change(layer, lambda node: without_argument(node, node.args[layer.args.index(given)]))
    return True


def _conv_at(source: Source, at: int) -> tuple[cst.Call | None, cst.Call | None]:
    """The construction of the convolution on the line, or of the one that is called there, with that call."""
    here = [call for call in source.calls(at) if source.called(call) == "Conv1d"]
    if len(here) == 1:
        name = source.assigned_name(here[0])
        called = [call for call in source.calls() if name is not None and dotted(call.func) == name]
        assign = source.outer(here[0], cst.Assign)
        if assign is not None and assign.value is here[0]:
            return (here[0], called[0]) if len(called) == 1 and len(called[0].args) == 1 else (None, None)
        return here[0], None
    for call in source.calls(at):
        name = dotted(call.func)
        made = [node.value for node in source.assignments(name)] if name else []
        if len(made) == 1 and isinstance(made[0], cst.Call) and source.called(made[0]) == "Conv1d" and len(call.args) == 1:
            return made[0], call
    return None, None


def _past(source: Source, kernel: cst.BaseExpression, dilation: cst.BaseExpression | None) -> str:
    """(kernel - 1) * dilation, as a number where both are numbers."""
    size, step = number(kernel), 1.0 if dilation is None else number(dilation)
    if size is not None and step is not None:
        return f"{(size - 1) * step:g}"
    wide = f"{size - 1:g}" if size is not None else f"({source.code(kernel)} - 1)"
    return wide if step == 1.0 else f"{wide} * {source.code(dilation)}"  # type: ignore[arg-type]


def _listed(source: Source, made: cst.Call, holder: cst.CSTNode | None) -> bool:
    """Whether a layer stands in the arguments of nn.Sequential, or in a list that one is made of."""
    if isinstance(holder, cst.Call):
        return source.called(holder) == "Sequential"
    if not isinstance(holder, cst.List):
        return False
    name = source.assigned_name(holder)
    into = [call for call in source.calls() if source.called(call) == "Sequential"]
    starred = any(item.star and dotted(item.value) == name for call in into for item in call.args)
    return starred or any(source.inside(holder, call) for call in into)
