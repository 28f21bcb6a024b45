"""A number that an experiment found better: learning rate, dropout, weight decay, a penalty's factor, batch size."""

from __future__ import annotations

import re

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.constants import literal_of, literals_of, set_number
from paramedic.remedies.missing_call import accumulation
from paramedic.remedies.objects import line, method_calls, optimizer_at, steps, training_loop
from paramedic.remedies.source import NoPatch, Source, argument, number, with_argument

CHECKS = (
    "learning-rate-too-high",
    "learning-rate-too-low",
    "too-much-regularization",
    "too-few-updates",
    "batchnorm-tiny-batch",
    "settings-not-tuned",
)
RATE_POSITION = 1  # of every torch optimizer: (params, lr, ...)
LITTLE_DROPOUT = 0.1  # of the original Transformer (Vaswani et al. 2017), after 0.5 of dropout's authors for wide layers
LITTLE_DECAY = 1e-4  # the usual value of SGD recipes (He et al. 2016)
PENALTY_FACTOR = 1e-3  # of what kept the network from learning
USUAL_BATCH = 32  # Masters & Luschi 2018, "Revisiting small batch training": best between 2 and 32
NORM_BATCH = 32  # Wu & He 2018, figure 1: batch norm is as good as ever from 16 on
SMALLER = 8  # the experiment cuts each batch into this many


def rewrite(source: Source, finding: Finding) -> None:
    at = line(finding)
    if finding.check.startswith("learning-rate"):
        _rate(source, finding, at)
    elif finding.check == "too-much-regularization":
        _regularization(source, finding, at)
    elif finding.check == "settings-not-tuned":
        _proposal(source, finding, at)
    elif finding.check == "too-few-updates":
        rare = accumulation(source)
        if rare is not None:
            source.replace(rare, "1")
        elif "gradients of several batches" in finding.summary:
            _step_per_batch(source)
        else:
            _batch(source, at, smaller=True)
    elif "drop the incomplete last" in finding.summary:
        _drop_last(source, at)
    else:
        _batch(source, at, smaller=False)


def _rate(source: Source, finding: Finding, at: int) -> None:
    """The rate that the experiment names, where the old one is written down."""
    expected = next((item.expected for item in finding.evidence if item.name == "learning rate"), "")
    rates = re.findall(r"[\d.]+(?:e[+-]?\d+)?", expected)
    if len(rates) != 1:
        raise NoPatch("several learning rates")
    call = optimizer_at(source, at).call
    given = argument(call, "lr", RATE_POSITION)
    if given is None:
        source.change(call, lambda node: with_argument(node, "lr", shown(float(rates[0]))))
        return
    set_number(source, given.value, shown(float(rates[0])))


def _proposal(source: Source, finding: Finding, at: int) -> None:
    """All settings that a search proposes together, or none of them."""
    wanted = {item.name: item.value for item in finding.evidence if item.name.startswith("proposed ")}
    values = {name.removeprefix("proposed "): float(value) for name, value in wanted.items() if isinstance(value, int | float)}
    call = optimizer_at(source, at).call
    arguments = {"learning rate": ("lr", RATE_POSITION), "weight decay": ("weight_decay", None)}
    if "momentum or beta1" in values:
        if source.called(call) not in ("SGD", "RMSprop"):
            raise NoPatch("the first of the betas stands in a pair")
        arguments["momentum or beta1"] = ("momentum", None)
    for name, value in values.items():
        if name == "factor of the dropout":
            _scaled_dropout(source, value)
        elif name == "steps per batch":
            size = _batch_size(source, at)
            source.replace(size, f"{max(1, round((number(size) or 0.0) / value))}")
        else:
            keyword, position = arguments[name]
            given = argument(call, keyword, position)
            if given is not None:
                set_number(source, given.value, shown(value))
            else:
                source.change(call, lambda node, keyword=keyword, value=value: with_argument(node, keyword, shown(value)))  # type: ignore[misc]
    if not values:
        raise NoPatch("the proposal names no settings")


def _scaled_dropout(source: Source, factor: float) -> None:
    literals = {
        id(literal): literal for call in source.calls() if source.called(call).startswith("Dropout")
        for item in [argument(call, "p", 0)] if item is not None for literal in literals_of(source, item.value)
    }  # fmt: skip
    if not literals:
        raise NoPatch("the dropout probability is not written as a number")
    for literal in literals.values():
        source.replace(literal, shown((number(literal) or 0.0) * factor))


def shown(value: float) -> str:
    """As a person writes it: 0.002, 5e-05."""
    return f"{value:.2g}" if value < 1 else f"{value:g}"


def _regularization(source: Source, finding: Finding, at: int) -> None:
    """Each kind of regularization that the finding names before it says what they do: one, or several together."""
    named = finding.summary.partition(" too much")[0]
    kinds = [kind for kind in ("weight decay", "dropout", "penalty") if kind in named]
    if "weight decay" in kinds:
        given = argument(optimizer_at(source, at).call, "weight_decay")
        if given is None:
            raise NoPatch("the weight decay is not written at the optimizer")
        set_number(source, given.value, shown(LITTLE_DECAY))
    if "dropout" in kinds:
        _dropout(source)
    if "penalty" in kinds or not kinds:
        _penalty(source, at)


def _dropout(source: Source) -> None:
    """Every dropout probability of the file that is too high."""
    changed: set[int] = set()
    for call in source.calls():
        name = source.called(call)
        given = argument(call, "dropout") or argument(call, "p")
        if given is None and (name.startswith("Dropout") or name == "AlphaDropout"):
            given = argument(call, "p", 0)
        if given is None and name == "dropout" and "functional" in source.function(call):
            given = argument(call, "p", 1)
        if given is None or name in ("norm", "RandomHorizontalFlip", "RandomVerticalFlip") or name == "add_argument":
            continue
        try:
            literal = literal_of(source, given.value)
        except NoPatch:
            continue
        if id(literal) not in changed and (number(literal) or 0.0) > LITTLE_DROPOUT:
            changed.add(id(literal))
            source.replace(literal, shown(LITTLE_DROPOUT))
    if not changed:
        raise NoPatch("the dropout probability is not written as a number")


def _penalty(source: Source, at: int) -> None:
    """The factor of a product on the line (``loss + L1 * penalty``) with a thousandth of its value."""
    statement = source.statement(at)
    if statement is None:
        raise NoPatch("no statement there")
    factors = []
    for node in source.nodes(cst.BinaryOperation, statement):
        if isinstance(node.operator, cst.Multiply):
            for side in (node.left, node.right):
                try:
                    factors.append(literal_of(source, side))
                except NoPatch:
                    continue
    if len(factors) != 1:
        raise NoPatch("not exactly one factor on the line")
    value = number(factors[0])
    assert value is not None
    source.replace(factors[0], shown(value * PENALTY_FACTOR))


def _step_per_batch(source: Source) -> None:
    """A step that stands behind the loop over the batches goes into it, with its zero_grad."""
    stepped, loop = steps(source), training_loop(source)
    if len(stepped) != 1 or not any(item is loop for item in source.block(stepped[0][1])):
        raise NoPatch("the step does not stand behind the loop over the batches")
    name, statement = stepped[0]
    block = source.block(statement)
    zeroed = [
        item for receiver, _, item in method_calls(source, "zero_grad")
        if receiver == name and any(item is other for other in block)
    ]
    backwards = [item for _, _, item in method_calls(source, "backward", loop)]
    if len(zeroed) != 1 or len(backwards) != 1 or source.block(backwards[0])[0] is backwards[0]:
        raise NoPatch("no single zero_grad beside the step")
    source.remove(statement)
    source.remove(zeroed[0])
    source.before(backwards[0], f"{name}.zero_grad()")
    source.after(backwards[0], f"{name}.step()")


def _loaders(source: Source, at: int) -> list[cst.Call]:
    """DataLoaders that shuffle or are on the line: those of training."""
    found = [call for call in source.calls() if source.called(call) == "DataLoader"]
    here = [call for call in found if source.lines(call)[0] <= at <= source.lines(call)[1]]
    given = [(call, argument(call, "shuffle", 2)) for call in found]
    shuffling = [call for call, item in given if item is not None and source.code(item.value) == "True"]
    return here or (found if len(found) == 1 else shuffling)


def _batch(source: Source, at: int, smaller: bool) -> None:
    literal = _batch_size(source, at)
    size = number(literal)
    assert size is not None
    if smaller and size > USUAL_BATCH:
        source.replace(literal, str(USUAL_BATCH))
    elif not smaller and size < NORM_BATCH:
        source.replace(literal, str(NORM_BATCH))
    else:
        raise NoPatch(f"the batch size is {size:g} already")


def _batch_size(source: Source, at: int) -> cst.BaseExpression:
    loaders = _loaders(source, at)
    if len(loaders) == 1:
        given = argument(loaders[0], "batch_size", 1)
        if given is None:
            raise NoPatch("the loader has no batch_size")
        return literal_of(source, given.value)
    found = {}
    for node in source.nodes((cst.Assign, cst.Param, cst.DictElement, cst.Call)):
        value = _named_size(source, node)
        if value is not None:
            found[id(value)] = value
    if len(found) != 1:
        raise NoPatch("the batch size is not written at one place")
    return next(iter(found.values()))


def _named_size(source: Source, node: cst.CSTNode) -> cst.BaseExpression | None:
    """The literal of something that is called a batch size."""
    name, value = "", None
    if isinstance(node, cst.Assign):
        name, value = source.code(node.targets[0].target), node.value
    elif isinstance(node, cst.Param):
        name, value = node.name.value, node.default
    elif isinstance(node, cst.DictElement):
        name, value = source.code(node.key).strip("\"'"), node.value
    elif isinstance(node, cst.Call) and source.called(node) == "add_argument" and node.args:
        given = argument(node, "default")
        name, value = source.code(node.args[0].value).strip("\"'").lstrip("-").replace("-", "_"), given.value if given else None
    if name.lower() not in ("batch_size", "batch", "bs", "batchsize", "self.batch_size") or number(value) is None:
        return None
    return value


def _drop_last(source: Source, at: int) -> None:
    loaders = _loaders(source, at)
    if len(loaders) != 1:
        raise NoPatch("no single training loader")
    source.change(loaders[0], lambda node: with_argument(node, "drop_last", "True"))
