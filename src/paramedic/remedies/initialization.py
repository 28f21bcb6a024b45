"""An initialization that is scaled by the fan-in, in the place of one that is not."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, dotted

CHECKS = ("badly-scaled-initialization", "zero-initialization", "symmetric-initialization", "dead-units", "vanishing-gradients")
SETTING = frozenset("normal_ uniform_ trunc_normal_ constant_ zeros_ ones_ zero_ fill_ copy_".split())


def rewrite(source: Source, finding: Finding) -> None:
    """The call on the line draws Xavier's weights (or zero biases); a scaling in place is left out."""
    calls = [call for call in source.calls(line(finding)) if source.called(call) in SETTING]
    if len(calls) != 1:
        raise NoPatch("no single initialization on the line")
    call = calls[0]
    function = source.function(call)
    named = ".init." in f".{function}" or function.startswith("torch.nn.init")
    tensor = call.args[0].value if named and call.args else None
    if tensor is None and isinstance(call.func, cst.Attribute):
        tensor = call.func.value
    if tensor is None:
        raise NoPatch("it is not clear what is initialized")
    code = source.code(tensor)
    kind = code.removesuffix(".data").rpartition(".")[2]
    if "bias" in kind:
        source.replace(call, f"{source.nn()}.init.zeros_({code})")
        return
    if "weight" not in kind and not _is_matrix(source, call, code):
        raise NoPatch("it may be no matrix")
    source.replace(call, f"{source.nn()}.init.xavier_uniform_({code})")


def _is_matrix(source: Source, call: cst.Call, name: str) -> bool:
    """Whether an ``if`` around it makes sure of at least two dimensions."""
    for condition in source.around(call, cst.If):
        test = source.code(condition.test)
        if name.partition(".")[0] in test and ("dim()" in test or "ndim" in test or "len(" in test) and (
            "> 1" in test or ">= 2" in test or "== 2" in test or "== 4" in test
        ):
            return True
    return dotted(call.func) is None and False
