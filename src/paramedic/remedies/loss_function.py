"""The loss that fits what the network gives, and its reduction."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line, loss_call, method, model, model_of, only_return, optimizers
from paramedic.remedies.source import NoPatch, Source, argument, without_argument

CHECKS = ("nll-loss-without-log-softmax", "logits-in-bce", "sum-reduced-loss")
REDUCING = frozenset(
    "cross_entropy nll_loss mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy "
    "binary_cross_entropy_with_logits kl_div poisson_nll_loss gaussian_nll_loss".split()
)
REDUCING_MODULES = frozenset(
    "CrossEntropyLoss NLLLoss MSELoss L1Loss SmoothL1Loss HuberLoss BCELoss BCEWithLogitsLoss KLDivLoss PoissonNLLLoss "
    "GaussianNLLLoss".split()
)


def rewrite(source: Source, finding: Finding) -> None:
    at = line(finding)
    if finding.check == "nll-loss-without-log-softmax":
        call, made = loss_call(source, at, frozenset({"nll_loss"}), frozenset({"NLLLoss"}))
        _rename(source, made or call, "CrossEntropyLoss" if made is not None else "cross_entropy")
    elif finding.check == "logits-in-bce":
        _logits(source, at)
    else:
        call, made = loss_call(source, at, REDUCING, REDUCING_MODULES)
        _mean(source, made or call)


def _rename(source: Source, call: cst.Call, name: str) -> None:
    if isinstance(call.func, cst.Attribute):
        source.replace(call.func, f"{source.code(call.func.value)}.{name}")
    else:
        prefix = source.nn() if name[0].isupper() else f"{source.nn()}.functional"
        source.replace(call.func, f"{prefix}.{name}")


def _logits(source: Source, at: int) -> None:
    """A sigmoid at the network's end; with_logits where the program applies a sigmoid to its outputs itself."""
    call, made = loss_call(source, at, frozenset({"binary_cross_entropy"}), frozenset({"BCELoss"}))
    if any(source.called(item) in ("sigmoid", "Sigmoid") for item in source.calls()):
        name = "BCEWithLogitsLoss" if made is not None else "binary_cross_entropy_with_logits"
        _rename(source, made or call, name)
        return
    every = optimizers(source)
    if len(every) != 1:
        raise NoPatch("it is not clear which network is meant")
    definition = model(source, model_of(source, every[0])).definition
    if isinstance(definition, cst.ClassDef):
        result = only_return(source, method(definition, source, "forward"))
        source.replace(result, f"{source.torch()}.sigmoid({source.code(result)})")
        return
    append_layer(source, definition, f"{source.nn()}.Sigmoid()")


def append_layer(source: Source, sequential: cst.Call, code: str) -> None:
    """One more element at the end of nn.Sequential(...), laid out as the others are."""
    if not sequential.args or any(item.star for item in sequential.args):
        raise NoPatch("the layers are not written out")

    def append(node: cst.Call) -> cst.Call:
        args = list(node.args)
        last = args[-1]
        between = args[-2].comma if len(args) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        args[-1] = last.with_changes(comma=between)
        return node.with_changes(args=[*args, cst.Arg(cst.parse_expression(code), comma=last.comma)])

    source.change(sequential, append)


def _mean(source: Source, call: cst.Call) -> None:
    given = argument(call, "reduction")
    if given is None or not isinstance(given.value, cst.SimpleString):
        raise NoPatch("the sum is not written as reduction=...")
    source.change(call, lambda node: without_argument(node, node.args[call.args.index(given)]))
