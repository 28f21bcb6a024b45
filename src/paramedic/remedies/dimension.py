"""``dim=`` of softmax, argmax and normalizations."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import evidence, line
from paramedic.remedies.source import NoPatch, Source, argument, dotted, number, with_argument

CHECKS = (
    "argmax-over-wrong-dimension",
    "softmax-over-wrong-dimension",
    "samples-influence-each-other",
    "batch-size-dependent-output",
)
CHOOSING = frozenset({"argmax", "max", "topk"})
SOFTMAXES = frozenset({"softmax", "log_softmax", "Softmax", "LogSoftmax", "softmin"})
OVER_SAMPLES = SOFTMAXES | {"normalize", "mean", "layer_norm", "cumsum", "std", "var"}


def rewrite(source: Source, finding: Finding) -> None:
    at = line(finding)
    if finding.check == "argmax-over-wrong-dimension":
        right = next((item.expected for item in finding.evidence if item.name == "dimension"), "")
        call = _one(source, at, CHOOSING)
        set_dimension(source, call, right)
    elif finding.check == "softmax-over-wrong-dimension":
        right = next((item.expected for item in finding.evidence if item.name == "dimension"), "")
        if not right.lstrip("-").isdigit():
            right = "-1"  # the checks say "that of the classes": the last one, where they do not name it
            if evidence(finding, "sum over the classes") is None:
                raise NoPatch("a softmax over one element")
        set_dimension(source, _one(source, at, SOFTMAXES), right)
    else:
        _not_over_samples(source, at)


def _not_over_samples(source: Source, at: int) -> None:
    """dim=0 of an operation that mixes the samples becomes the last dimension."""
    found = [call for call in source.calls(at) if source.called(call) in OVER_SAMPLES and _dimension(source, call) == 0]
    kinds = {source.called(call) for call in found}
    if not found or not kinds <= {"softmax", "log_softmax", "normalize", "Softmax", "LogSoftmax"} and kinds != {"mean"}:
        raise NoPatch("no single operation over dimension 0")
    if kinds == {"mean"} and argument(found[0], "keepdim") is None:
        raise NoPatch("the mean over the samples may be meant")
    for call in found:
        set_dimension(source, call, "-1" if kinds != {"mean"} else "1")


def _is_function(source: Source, call: cst.Call) -> bool:
    """Whether the tensor is the first argument (``torch.softmax(x, 1)``), not the receiver or the later input."""
    name = source.called(call)
    return name[:1].islower() and source.function(call).startswith(("torch.", "numpy."))


def _dimension(source: Source, call: cst.Call) -> int | None:
    given = argument(call, "dim", 1 if _is_function(source, call) else 0) or argument(call, "axis")
    value = number(given.value) if given is not None else None
    return int(value) if value is not None else None


def _one(source: Source, at: int, names: frozenset[str]) -> cst.Call:
    found = [call for call in source.calls(at) if source.called(call) in names]
    if not found:  # self.softmax(x): where the module is made
        for call in source.calls(at):
            name = dotted(call.func)
            made = [node.value for node in source.assignments(name)] if name else []
            found += [item for item in made if isinstance(item, cst.Call) and source.called(item) in names]
    if len(found) != 1:
        raise NoPatch(f"{len(found)} calls of {', '.join(sorted(names))} on the line")
    return found[0]


def set_dimension(source: Source, call: cst.Call, dim: str) -> None:
    if not dim.lstrip("-").isdigit():
        raise NoPatch("the right dimension is not known")
    position = 1 if _is_function(source, call) else 0
    if source.called(call) == "topk":
        position += 1
    name = "axis" if argument(call, "axis") is not None else "dim"
    source.change(call, lambda node: with_argument(node, name, dim, position))
