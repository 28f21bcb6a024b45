"""Features standardized with the training rows' statistics, on every split, and without changing the data set."""

from __future__ import annotations

import re

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, dotted, names_in

CHECKS = ("unstandardized-input", "feature-scale", "train-validation-recipe-mismatch", "leaked-statistics", "mixed-recipes")
SPLIT = "train_test_split"


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check in ("unstandardized-input", "feature-scale"):
        _standardize(source)
    elif finding.check == "train-validation-recipe-mismatch":
        _transform_too(source)
    elif finding.check == "leaked-statistics":
        _fit_on_training(source, line(finding))
    else:
        _new_tensor(source, line(finding))


def _splits(source: Source) -> list[tuple[cst.SimpleStatementLine, list[str], list[str]]]:
    """(statement, training names, other names) of ``a, b, ... = train_test_split(x, y, ...)``."""
    found = []
    for assign in source.nodes(cst.Assign):
        value, target = assign.value, assign.targets[0].target
        if not isinstance(value, cst.Call) or source.called(value) != SPLIT or not isinstance(target, cst.Tuple):
            continue
        names = [dotted(item.value) or "" for item in target.elements]
        statement = source.line_of(assign)
        if statement is not None and all(names) and len(names) % 2 == 0:
            found.append((statement, names[::2], names[1::2]))
    return found


def _one_split(source: Source) -> tuple[cst.SimpleStatementLine, str, str]:
    found = _splits(source)
    if len(found) != 1:
        raise NoPatch("no single train_test_split")
    statement, train, others = found[0]
    return statement, train[0], others[0]


def _standardize(source: Source) -> None:
    """After the split; as first layer of a plain sequence (batch norm without weights) where there is no split."""
    try:
        statement, train, other = _one_split(source)
    except NoPatch:
        _normalizing_layer(source)
        return
    value = statement.body[0]
    assert isinstance(value, cst.Assign)
    if "torch" in {source.aliases.get(name, "").partition(".")[0] for name in names_in(value.value)}:
        raise NoPatch("the split is of tensors")
    source.after(
        statement,
        f"mean, std = {train}.mean(axis=0), {train}.std(axis=0) + 1e-8",
        f"{train}, {other} = ({train} - mean) / std, ({other} - mean) / std",
    )


def _normalizing_layer(source: Source) -> None:
    from paramedic.remedies.objects import model, model_of, optimizers

    every = optimizers(source)
    if len(every) != 1:
        raise NoPatch("it is not clear which network is meant")
    definition = model(source, model_of(source, every[0])).definition
    if not isinstance(definition, cst.Call) or not definition.args:
        raise NoPatch("the network is a class")
    first = definition.args[0].value
    kinds = {"Linear": "BatchNorm1d", "Conv1d": "BatchNorm1d", "Conv2d": "BatchNorm2d"}
    if not isinstance(first, cst.Call) or source.called(first) not in kinds or not first.args:
        raise NoPatch("the first layer is no linear or convolution layer")
    layer = f"{source.nn()}.{kinds[source.called(first)]}({source.code(first.args[0].value)}, affine=False)"

    def put_first(node: cst.Call) -> cst.Call:
        comma = node.args[0].comma
        if not isinstance(comma, cst.Comma):
            comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        return node.with_changes(args=[cst.Arg(cst.parse_expression(layer), comma=comma), *node.args])

    source.change(definition, put_first)


def _transform_too(source: Source) -> None:
    """``X_val = scaler.transform(X_val)`` after ``X_train = scaler.fit_transform(X_train)``."""
    _, train, other = _one_split(source)
    for assign in source.nodes(cst.Assign):
        value = assign.value
        if (
            dotted(assign.targets[0].target) == train
            and isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute)
            and value.func.attr.value == "fit_transform" and dotted(value.func.value) is not None
            and source.code(value.args[0].value) == train
        ):
            name = dotted(value.func.value)
            transformed = re.search(rf"\b{re.escape(str(name))}\.transform\(", source.text)
            statement = source.line_of(assign)
            if transformed is None and statement is not None:
                source.after(statement, f"{other} = {name}.transform({other})")
                return
    raise NoPatch("no scaler that is fitted and not used again")


def _fit_on_training(source: Source, at: int) -> None:
    """``X = Scaler().fit_transform(X)`` before the split becomes a fit on the training rows after it."""
    split, train, other = _one_split(source)
    statement = source.statement(at)
    assign = statement.body[0] if statement is not None else None
    if statement is None or not isinstance(assign, cst.Assign) or source.lines(statement)[0] > source.lines(split)[0]:
        raise NoPatch("no assignment before the split")
    value, name = assign.value, dotted(assign.targets[0].target)
    if (
        not isinstance(value, cst.Call) or not isinstance(value.func, cst.Attribute)
        or value.func.attr.value != "fit_transform" or not value.args or source.code(value.args[0].value) != name
    ):
        raise NoPatch("not a fit_transform of the whole table")
    scaler = source.code(value.func.value)
    source.remove(statement)
    if isinstance(value.func.value, cst.Name):
        source.after(split, f"{train} = {scaler}.fit_transform({train})", f"{other} = {scaler}.transform({other})")
    else:
        source.after(
            split, f"scaler = {scaler}.fit({train})", f"{train}, {other} = scaler.transform({train}), scaler.transform({other})"
        )


IN_PLACE = {cst.SubtractAssign: "-", cst.DivideAssign: "/", cst.MultiplyAssign: "*", cst.AddAssign: "+"}


def _new_tensor(source: Source, at: int) -> None:
    """``x -= mean`` in __getitem__ changes the data set: ``x = x - mean`` does not."""
    statement = source.statement(at)
    function = source.outer(statement, cst.FunctionDef) if statement is not None else None
    if function is None:
        raise NoPatch("not in a function")
    changed = False
    for node in source.nodes(cst.SimpleStatementLine, function):
        item = node.body[0]
        if len(node.body) != 1 or not isinstance(item, cst.AugAssign) or type(item.operator) not in IN_PLACE:
            continue
        if not isinstance(item.target, cst.Name):
            continue
        name, operator = item.target.value, IN_PLACE[type(item.operator)]
        value = source.code(item.value)
        if isinstance(item.value, (cst.BinaryOperation, cst.IfExp)):
            value = f"({value})"
        new = source.parse(f"{name} = {name} {operator} {value}")
        source.change(node, lambda old, new=new: new.with_changes(  # type: ignore[misc]
            leading_lines=old.leading_lines, trailing_whitespace=old.trailing_whitespace
        ))
        changed = True
    if not changed:
        raise NoPatch("nothing is changed in place")
