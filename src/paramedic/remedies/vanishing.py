"""Rectifiers in the place of saturating activations, and recurrent weights that keep the norm."""

from __future__ import annotations

from paramedic.checks.finding import Finding
from paramedic.remedies.source import NoPatch, Source, argument, without_argument

CHECKS = ("vanishing-gradients",)
SATURATING = frozenset({"Sigmoid", "Tanh", "Softsign"})


def rewrite(source: Source, finding: Finding) -> None:
    remedy = finding.remedy.summary if finding.remedy is not None else ""
    if "ReLU" in remedy.partition(" or ")[0]:
        _rectify(source)
    elif "orthogonal" in remedy:
        _orthogonal(source)
    else:
        raise NoPatch("the remedy is another architecture")


def _rectify(source: Source) -> None:
    """Only where a hidden layer's activation is written once: an output may need to be squashed."""
    found = [call for call in source.calls() if source.called(call) in SATURATING]
    functions = [call for call in source.calls() if source.called(call) in ("sigmoid", "tanh")]
    if len(found) != 1 or functions:
        raise NoPatch("the activation is written at several places")
    source.replace(found[0], f"{source.nn()}.ReLU()")


def _orthogonal(source: Source) -> None:
    found = [call for call in source.calls() if source.called(call) == "orthogonal_"]
    given = [(call, argument(call, "gain", 1)) for call in found]
    if len(given) != 1 or given[0][1] is None:
        raise NoPatch("no single orthogonal_ with a gain")
    call, gain = given[0]
    index = call.args.index(gain)
    source.change(call, lambda node: without_argument(node, node.args[index]))
