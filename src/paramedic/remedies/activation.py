"""The activation between the last layer and the loss: removed, or replaced by the one that the loss expects."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, dotted, number

CHECKS = (
    "softmax-before-cross-entropy",
    "sigmoid-before-bce-with-logits",
    "squashed-regression-output",
    "probabilities-in-nll",
    "log-softmax-with-mse",
)
SQUASHING = frozenset(
    "softmax log_softmax sigmoid logsigmoid tanh relu relu6 gelu softplus hardtanh elu leaky_relu gumbel_softmax".split()
)
MODULES = {
    "Softmax": "softmax", "LogSoftmax": "log_softmax", "Sigmoid": "sigmoid", "Tanh": "tanh", "ReLU": "relu",
    "ReLU6": "relu6", "Softplus": "softplus", "Hardtanh": "hardtanh", "Softmax2d": "softmax",
}  # fmt: skip
SWAPS = {
    "probabilities-in-nll": {"softmax": "log_softmax", "Softmax": "LogSoftmax"},
    "log-softmax-with-mse": {"log_softmax": "softmax", "LogSoftmax": "Softmax"},
}
FOR = {
    "softmax-before-cross-entropy": frozenset({"softmax", "sigmoid", "gumbel_softmax"}),
    "sigmoid-before-bce-with-logits": frozenset({"sigmoid", "softmax"}),
    "squashed-regression-output": frozenset({"relu", "tanh", "sigmoid", "relu6", "softplus", "hardtanh"}),
}


def rewrite(source: Source, finding: Finding) -> None:
    swap = SWAPS.get(finding.check)
    if swap is not None:
        _rename(source, line(finding), swap)
        return
    wanted = FOR[finding.check]
    call = _activation(source, line(finding), wanted)
    kind = _kind(source, call)
    if _is_module_construction(source, call) and not isinstance(source.parent(call), cst.Call):
        _remove_element(source, call)
    else:
        _unwrap(source, call)
    if finding.check != "squashed-regression-output" and kind == "sigmoid":
        _keep_decisions(source, call)


def _kind(source: Source, call: cst.Call) -> str:
    name = source.called(call)
    if name in MODULES:
        return MODULES[name]
    if name in SQUASHING:
        return name
    made = _module_of(source, call)
    return MODULES.get(source.called(made), "") if made is not None else ""


def _module_of(source: Source, call: cst.Call) -> cst.Call | None:
    """``nn.Softmax(dim=1)`` for a call of ``self.normalize(x)`` or ``normalize(x)``, if it is assigned once."""
    name = dotted(call.func)
    if name is None and isinstance(call.func, cst.Call):
        return call.func  # nn.Softmax(dim=1)(x)
    values = [node.value for node in source.assignments(name)] if name else []
    if len(values) == 1 and isinstance(values[0], cst.Call) and source.called(values[0]) in MODULES:
        return values[0]
    return None


def _is_module_construction(source: Source, call: cst.Call) -> bool:
    return source.called(call) in MODULES and source.function(call).startswith("torch.nn")


def _activation(source: Source, at: int, wanted: frozenset[str]) -> cst.Call:
    """The outermost of the wanted activations on the line; the last element of a sequence that begins there."""
    found = [call for call in source.calls(at) if _kind(source, call) in wanted]
    exact = [call for call in found if source.lines(call)[0] <= at <= source.lines(call)[1] and _begins_near(source, call, at)]
    constructed = [call for call in exact or found if _is_module_construction(source, call)]
    applied = [call for call in exact or found if not _is_module_construction(source, call)]
    if applied:
        return applied[0]
    if constructed:
        return constructed[-1]
    raise NoPatch("the activation is not written on this line")


def _begins_near(source: Source, call: cst.Call, at: int) -> bool:
    return source.lines(call)[0] == at


def _unwrap(source: Source, call: cst.Call) -> None:
    """``softmax(x, dim=1)`` -> ``x``; also ``x.softmax(1)`` and ``nn.Softmax(1)(x)``."""
    function = call.func
    method = isinstance(function, cst.Attribute) and source.called(call) in SQUASHING and not source.function(call).startswith(
        "torch."
    )
    inner = function.value if method and isinstance(function, cst.Attribute) else call.args[0].value if call.args else None
    if inner is None:
        raise NoPatch("the activation is applied to nothing")
    code = source.code(inner)
    inner_parenthesized = isinstance(inner, (cst.BinaryOperation, cst.UnaryOperation, cst.Comparison, cst.IfExp))
    outer = source.parent(call)
    if inner_parenthesized and not inner.lpar and not isinstance(outer, (cst.Assign, cst.Return, cst.Arg)):
        code = f"({code})"
    source.replace(call, code)


def _remove_element(source: Source, call: cst.Call) -> None:
    """An element of nn.Sequential(...) or of a list."""
    element = source.parent(call)
    holder = source.parent(element) if element is not None else None
    if isinstance(element, cst.Arg) and isinstance(holder, cst.Call) and source.called(holder) == "Sequential":
        if len(holder.args) == 1:
            raise NoPatch("it is the only layer")
        _drop(source, holder, "args", element)
        return
    if isinstance(element, cst.Element) and isinstance(holder, cst.List) and len(holder.elements) > 1:
        _drop(source, holder, "elements", element)
        return
    if isinstance(element, cst.Assign):  # self.out = nn.Sigmoid(): the name stays, and does nothing
        source.replace(call, f"{source.nn()}.Identity()")
        return
    raise NoPatch("it is no element of a sequence")


def _drop(source: Source, holder: cst.CSTNode, field: str, element: cst.CSTNode) -> None:
    """Take ``element`` out of the holder's ``field``; the last one that stays ends as the last one did."""
    items = getattr(holder, field)

    def changed(node: cst.CSTNode) -> cst.CSTNode:
        own = getattr(node, field)
        kept = [item for item, old in zip(own, items, strict=True) if old is not element]
        if items[-1] is element:
            kept[-1] = kept[-1].with_changes(comma=own[-1].comma)
        return node.with_changes(**{field: kept})

    source.change(holder, changed)


def _keep_decisions(source: Source, call: cst.Call) -> None:
    """Where outputs are compared with a probability (``model(x) > 0.5``), the sigmoid goes there."""
    names = _models(source, call)
    for comparison in source.nodes(cst.Comparison):
        if len(comparison.comparisons) != 1:
            continue
        limit = number(comparison.comparisons[0].comparator)
        if limit is None or not 0 < limit < 1 or "sigmoid" in source.code(comparison.left):
            continue
        if _from_model(source, comparison.left, names):
            source.replace(comparison.left, f"{source.torch()}.sigmoid({source.code(comparison.left)})")
    for rounded in source.calls():
        name = source.called(rounded)
        if name != "round" or not _from_model(source, rounded, names) or "sigmoid" in source.code(rounded):
            continue
        if isinstance(rounded.func, cst.Attribute) and not source.function(rounded).startswith("torch."):
            inner: cst.BaseExpression = rounded.func.value
        else:
            inner = rounded.args[0].value
        source.replace(inner, f"{source.torch()}.sigmoid({source.code(inner)})")


def _models(source: Source, call: cst.Call) -> set[str]:
    """Names of the objects whose call gives this activation's output: of the class or sequence around it."""
    owner = source.outer(call, cst.ClassDef)
    if owner is not None:
        made = [item for item in source.calls() if dotted(item.func) == owner.name.value]
        return {name for item in made if (name := source.assigned_name(item)) is not None}
    name = source.assigned_name(call)
    return {name} if name else set()


def _from_model(source: Source, node: cst.CSTNode, models: set[str]) -> bool:
    """Whether an expression is a model's output, directly or by a name that was given to it."""
    if any(dotted(item.func) in models for item in source.calls(within=node)):
        return True
    from paramedic.remedies.source import names_in

    for name in names_in(node):
        for assign in source.assignments(name):
            if any(dotted(item.func) in models for item in source.calls(within=assign.value)):
                return "sigmoid" not in source.code(assign.value)
    return False


def _rename(source: Source, at: int, names: dict[str, str]) -> None:
    """softmax <-> log_softmax, as function, method or module."""
    for call in source.calls(at):
        name = source.called(call)
        target = call
        if name not in names:
            made = _module_of(source, call)
            if made is None or source.called(made) not in names:
                continue
            target, name = made, source.called(made)
        function = target.func
        new = names[name]
        if isinstance(function, cst.Attribute):
            source.replace(function, f"{source.code(function.value)}.{new}")
        elif new[0].isupper():
            source.replace(function, f"{source.nn()}.{new}")
        else:
            source.replace(function, f"{source.torch()}.{new}")
        return
    raise NoPatch("the activation is not written on this line")
