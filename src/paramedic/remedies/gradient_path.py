"""What cuts the gradient (detach, no_grad, .item(), .data) or freezes parameters: removed."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, argument, dotted

CHECKS = (
    "parameters-not-reached", "frozen-parameters", "loss-without-gradient", "wrong-gradient", "penalty-without-gradient",
)  # fmt: skip


def rewrite(source: Source, finding: Finding) -> None:
    at = line(finding)
    if finding.check == "frozen-parameters":
        _thaw(source, at)
    else:
        _reconnect(source, at)


def _reconnect(source: Source, at: int) -> None:
    for call in source.calls(at):
        if _rebuilt(source, call) is not None:
            source.replace(call, source.code(_rebuilt(source, call)))  # type: ignore[arg-type]
            return
    detached = [call for call in source.calls(at) if _is_method(call, "detach") and not call.args]
    data = _data_in_class(source, at)
    if detached:
        for call in detached:
            assert isinstance(call.func, cst.Attribute)
            source.replace(call, source.code(call.func.value))
        return
    if data:
        for node in data:
            source.change(node, lambda updated: updated.value)
        return
    without = _no_grad_around(source, at)
    if without is not None:
        body = without.body
        assert isinstance(body, cst.IndentedBlock)
        source.change(without, lambda node: cst.FlattenSentinel([
            item.with_changes(leading_lines=(*node.leading_lines, *item.leading_lines)) if number == 0 else item
            for number, item in enumerate(node.body.body)
        ]))
        return
    decorated = _decorator_around(source, at)
    if decorated is not None:
        source.remove(decorated)
        return
    raise NoPatch("what cuts the gradient is not written on this line")


def _decorator_around(source: Source, at: int) -> cst.Decorator | None:
    """``@torch.no_grad()`` of the function around a line."""
    statement = source.statement(at)
    function = source.outer(statement, cst.FunctionDef) if statement is not None else None
    for item in function.decorators if function is not None else ():
        name = item.decorator.func if isinstance(item.decorator, cst.Call) else item.decorator
        if (dotted(name) or "").rpartition(".")[2] in ("no_grad", "inference_mode"):
            return item
    return None


def _is_method(call: cst.Call, name: str) -> bool:
    return isinstance(call.func, cst.Attribute) and call.func.attr.value == name


def _rebuilt(source: Source, call: cst.Call) -> cst.BaseExpression | None:
    """x of ``torch.tensor(x.item(), ...)`` and ``torch.tensor(x.tolist())``, also through numpy."""
    if source.function(call) not in ("torch.tensor", "torch.from_numpy", "torch.as_tensor", "torch.Tensor"):
        return None
    value = call.args[0].value if call.args else None
    seen = False
    while isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
        if value.func.attr.value not in ("item", "tolist", "numpy", "detach", "cpu") or value.args:
            break
        value, seen = value.func.value, True
    return value if seen and isinstance(value, cst.BaseExpression) else None


def _data_in_class(source: Source, at: int) -> list[cst.Attribute]:
    """``state.data`` on the line, and of the same name in the function around (a recurrence reads it several times)."""
    statement = source.statement(at)
    if statement is None:
        return []
    function = source.outer(statement, cst.FunctionDef) or statement
    on_line = [item for item in source.nodes(cst.Attribute, statement) if item.attr.value == "data"]
    if not on_line:
        return []
    names = {source.code(item) for item in on_line}
    return [item for item in source.nodes(cst.Attribute, function) if source.code(item) in names]


def _no_grad_around(source: Source, at: int) -> cst.With | None:
    for node in source.nodes(cst.With):
        first, last = source.lines(node)
        if first <= at <= last and len(node.items) == 1 and isinstance(node.body, cst.IndentedBlock):
            item = node.items[0].item
            if isinstance(item, cst.Call) and source.called(item) in ("no_grad", "inference_mode"):
                return node
    return None


def _thaw(source: Source, at: int) -> None:
    """Remove the loop or statement that sets requires_grad to False."""
    statement = source.statement(at)
    if statement is None:
        loops = [item for item in source.nodes(cst.For) if source.lines(item)[0] == at]
        inner = list(loops[0].body.body) if loops and isinstance(loops[0].body, cst.IndentedBlock) else []
        statement = inner[0] if inner and isinstance(inner[0], cst.SimpleStatementLine) else None
    if statement is None or not _freezes(source, statement):
        raise NoPatch("requires_grad is not set on this line")
    target: cst.CSTNode = statement
    while len(source.block(target)) == 1 and isinstance(source.parent(source.parent(target)), (cst.For, cst.If)):  # type: ignore[arg-type]
        target = source.parent(source.parent(target))  # type: ignore[arg-type, assignment]
        if isinstance(target, cst.If) and target.orelse is not None:
            raise NoPatch("the freezing has another branch")
    if len(source.block(target)) == 1 and source.outer(target, cst.FunctionDef) is not None:
        raise NoPatch("nothing would be left of the function")
    source.remove(target)


def _freezes(source: Source, statement: cst.SimpleStatementLine) -> bool:
    for item in statement.body:
        if isinstance(item, cst.Assign) and "requires_grad" in source.code(item.targets[0].target):
            return True
        if isinstance(item, cst.Expr) and isinstance(item.value, cst.Call) and source.called(item.value) == "requires_grad_":
            return argument(item.value, "requires_grad", 0) is not None
    return False
