"""``batch_first=True``, and the causal mask of a transformer encoder."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, argument, dotted, with_argument

CHECKS = ("samples-influence-each-other", "causal-leak", "batch-size-dependent-output")
BATCH_FIRST = frozenset(
    "LSTM GRU RNN MultiheadAttention TransformerEncoderLayer TransformerDecoderLayer Transformer".split()
)


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
    """The square mask for an encoder that is called with nothing but its input."""
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
    raise NoPatch("no transformer encoder without a mask on the line")
