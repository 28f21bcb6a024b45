"""The optimizers, losses, loaders and loops of a file: their names and statements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.source import NoPatch, Source, dotted

OPTIMIZERS = frozenset(
    "SGD Adam AdamW RMSprop Adagrad Adadelta Adamax NAdam RAdam LBFGS Rprop ASGD SparseAdam Adafactor Muon".split()
)
LOOPS = (cst.For, cst.While)


@dataclass(frozen=True)
class Optimizer:
    """``name = torch.optim.SGD(model.parameters(), ...)``."""

    name: str
    call: cst.Call
    statement: cst.SimpleStatementLine


def evidence(finding: Finding, name: str) -> object:
    """The value of one piece of evidence; None if the finding has none of that name."""
    return next((item.value for item in finding.evidence if item.name == name), None)


def line(finding: Finding) -> int:
    assert finding.where is not None
    return finding.where.line


def optimizers(source: Source) -> list[Optimizer]:
    """Optimizers that are assigned to a name, in the order of the file."""
    found = []
    for call in source.calls():
        if source.called(call) in OPTIMIZERS and (statement := source.line_of(call)) is not None:
            name = source.assigned_name(call)
            if name is not None:
                found.append(Optimizer(name, call, statement))
    return found


def optimizer_at(source: Source, at: int) -> Optimizer:
    """The one constructed on a line; else the only one of the file."""
    every = optimizers(source)
    found = [item for item in every if source.lines(item.call)[0] <= at <= source.lines(item.call)[1]]
    if len(found) == 1:
        return found[0]
    if len(every) == 1:
        return every[0]
    raise NoPatch("it is not clear which optimizer is meant")


def method_calls(
    source: Source, method: str, within: cst.CSTNode | None = None
) -> Iterator[tuple[str, cst.Call, cst.SimpleStatementLine]]:
    """(receiver, call, statement) for ``receiver.method(...)`` on named receivers."""
    for call in source.calls(within=within):
        if isinstance(call.func, cst.Attribute) and call.func.attr.value == method:
            receiver, statement = dotted(call.func.value), source.line_of(call)
            if receiver is not None and statement is not None:
                yield receiver, call, statement


def steps(source: Source, within: cst.CSTNode | None = None) -> list[tuple[str, cst.SimpleStatementLine]]:
    """(optimizer, statement) for every step of an optimizer (``scheduler.step()`` is none)."""
    names = {item.name for item in optimizers(source)}
    found = []
    for receiver, _, statement in method_calls(source, "step", within):
        known = receiver in names or ("self." + receiver.rpartition(".")[2]) in names
        if known or ("opt" in receiver.lower() and "sched" not in receiver.lower()):
            found.append((receiver, statement))
    return found


def backward_at(source: Source, at: int) -> cst.SimpleStatementLine:
    """The statement with a backward call on a line, or the only one of the file."""
    statement = source.statement(at)
    every = [item for _, _, item in method_calls(source, "backward")]
    every += [
        item for call in source.calls()
        if source.called(call) == "backward" and isinstance(call.func, cst.Attribute)
        and dotted(call.func.value) is None and (item := source.line_of(call)) is not None
    ]
    if statement is not None and any(item is statement for item in every):
        return statement
    if len(every) == 1:
        return every[0]
    raise NoPatch("no single backward call")


def scope(source: Source, node: cst.CSTNode) -> cst.CSTNode:
    """The function around a node, or the module."""
    return source.outer(node, cst.FunctionDef) or source.module


def model_of(source: Source, optimizer: Optimizer) -> str:
    """"model" of ``SGD(model.parameters())``, also inside a filter."""
    for call in source.calls(within=optimizer.call):
        if isinstance(call.func, cst.Attribute) and call.func.attr.value in ("parameters", "named_parameters"):
            name = dotted(call.func.value)
            if name is not None:
                return name
    raise NoPatch("the optimizer is not given a model's parameters")


def training_loop(source: Source) -> cst.For | cst.While:
    """The innermost loop around the backward call."""
    found = []
    for _, _, statement in method_calls(source, "backward"):
        loops = source.around(statement, LOOPS)
        if loops:
            found.append(loops[0])
    if not found or any(item is not found[0] for item in found):
        raise NoPatch("no single training loop")
    loop = found[0]
    assert isinstance(loop, LOOPS)
    return loop


def in_scope(source: Source, name: str, statement: cst.CSTNode) -> bool:
    """Whether a dotted name can be read at a statement: global, or of the function (or class) around it."""
    head = name.partition(".")[0]
    function = source.outer(statement, cst.FunctionDef)
    while function is not None:
        parameters = [*function.params.params, *function.params.kwonly_params]
        if any(item.name.value == head for item in parameters):
            return True
        if any(_binds(source, item, head) for item in source.nodes((cst.Assign, cst.For, cst.With), function)):
            return True
        function = source.outer(function, cst.FunctionDef)
    for item in source.nodes((cst.Assign, cst.For, cst.With, cst.ImportFrom, cst.Import)):
        if source.outer(item, cst.FunctionDef) is None and _binds(source, item, head):
            return True
    return False


def _binds(source: Source, node: cst.CSTNode, name: str) -> bool:
    from paramedic.remedies.source import names_in

    if isinstance(node, cst.Assign):
        return any(name in names_in(item.target) for item in node.targets)
    if isinstance(node, cst.For):
        return name in names_in(node.target)
    if isinstance(node, cst.With):
        return any(item.asname is not None and name in names_in(item.asname) for item in node.items)
    return name in source.aliases


@dataclass(frozen=True)
class Model:
    """A model by its name: the class of the file that it is an object of, or the ``nn.Sequential(...)`` call."""

    name: str
    definition: cst.ClassDef | cst.Call


def model(source: Source, name: str) -> Model:
    """NoPatch if the file does not say how the model is made."""
    values = [node.value for node in source.assignments(name)]
    for value in values:
        for call in [value, *source.calls(within=value)]:
            if not isinstance(call, cst.Call):
                continue
            if source.called(call) == "Sequential":
                return Model(name, call)
            for owner in source.nodes(cst.ClassDef):
                if dotted(call.func) == owner.name.value:
                    return Model(name, owner)
    raise NoPatch(f"{name} is not made in this file")


def method(owner: cst.ClassDef, source: Source, name: str) -> cst.FunctionDef:
    for function in source.nodes(cst.FunctionDef, owner):
        if function.name.value == name and source.outer(function, cst.ClassDef) is owner:
            return function
    raise NoPatch(f"{owner.name.value} has no {name}")


def only_return(source: Source, function: cst.FunctionDef) -> cst.BaseExpression:
    """What a function returns; NoPatch if it returns at several places, or a tuple."""
    found = [
        item for item in source.nodes(cst.Return, function) if source.outer(item, (cst.FunctionDef, cst.Lambda)) is function
    ]
    if len(found) != 1 or found[0].value is None or isinstance(found[0].value, cst.Tuple):
        raise NoPatch(f"{function.name.value} does not return one value at one place")
    return found[0].value


def loss_call(source: Source, at: int, functions: frozenset[str], modules: frozenset[str]) -> tuple[cst.Call, cst.Call | None]:
    """The call of a loss on a line, and the construction of its module (None for a functional loss).

    With the line inside a helper or at the construction, the only such loss of the file.
    """
    on_line = source.calls(at)
    for call in on_line or []:
        if source.called(call) in functions:
            return call, None
        name = dotted(call.func)
        values = [node.value for node in source.assignments(name)] if name else []
        made = [value for value in values if isinstance(value, cst.Call) and source.called(value) in modules]
        if len(made) == 1:
            return call, made[0]
    constructed = [call for call in source.calls() if source.called(call) in modules]
    functional = [call for call in source.calls() if source.called(call) in functions]
    if len(constructed) + len(functional) != 1:
        raise NoPatch("no single loss of this kind")
    return (constructed or functional)[0], constructed[0] if constructed else None
