"""Features standardized with the training rows' statistics, on every split, and without changing the data set."""

from __future__ import annotations

import re

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import line
from paramedic.remedies.source import NoPatch, Source, argument, dotted, names_in

CHECKS = (
    "unstandardized-input", "feature-scale", "train-validation-recipe-mismatch", "leaked-statistics", "mixed-recipes",
    "validation-own-statistics",
)  # fmt: skip
SPLIT = "train_test_split"


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check in ("unstandardized-input", "feature-scale"):
        _standardize(source)
    elif finding.check == "train-validation-recipe-mismatch":
        _transform_too(source)
    elif finding.check == "leaked-statistics":
        _fit_on_training(source, line(finding))
    elif finding.check == "validation-own-statistics":
        _fit_once(source)
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
    """``X = Scaler().fit_transform(X)`` before the split becomes a fit on the training rows after it.

    Where rows are chosen by index, ``X[train]`` takes the place of ``X`` in what is fitted.
    """
    statement = source.statement(at)
    assign = statement.body[0] if statement is not None else None
    if not _splits(source) and statement is not None and isinstance(assign, cst.Assign):
        _fit_on_index(source, statement, assign)
        return
    split, train, other = _one_split(source)
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


def _fit_on_index(source: Source, statement: cst.SimpleStatementLine, assign: cst.Assign) -> None:
    """The index of the training rows is the one that a shuffled loader reads by."""
    value, name = assign.value, dotted(assign.targets[0].target)
    index = _training_index(source, name, source.lines(statement)[0]) if name else None
    if index is None:
        raise NoPatch("the index of the training rows is not known")
    rows = f"{name}[{index}]"
    if isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute) and value.func.attr.value == "fit_transform":
        if not value.args or source.code(value.args[0].value) != name:
            raise NoPatch("not a fit_transform of the whole table")
        source.replace(value, f"{source.code(value.func.value)}.fit({rows}).transform({name})")
        return
    taken = [
        call.func.value for call in source.calls(within=value)
        if isinstance(call.func, cst.Attribute) and call.func.attr.value in ("mean", "std", "min", "max", "var", "amin", "amax")
        and source.code(call.func.value) == name
    ]
    if not taken:
        raise NoPatch("no statistic of the whole table on the line")
    for item in taken:
        source.replace(item, rows)


def _training_index(source: Source, name: str, before: int) -> str | None:
    """``train`` of ``X[train]`` where that is trained on: bound before the line, and by one name only."""
    found = set()
    for node in source.nodes(cst.Subscript):
        if dotted(node.value) != name or len(node.slice) != 1 or not isinstance(node.slice[0].slice, cst.Index):
            continue
        index = dotted(node.slice[0].slice.value)
        if index is not None and _trained_on(source, node) and _bound_before(source, index, before):
            found.add(index)
    return found.pop() if len(found) == 1 else None


def _trained_on(source: Source, node: cst.Subscript) -> bool:
    """Whether a subscript is given to a loader that shuffles."""
    for call in source.around(node, cst.Call):
        given = argument(call, "shuffle", 2) if source.called(call) == "DataLoader" else None
        if given is not None and source.code(given.value) == "True":
            return True
    return False


def _bound_before(source: Source, name: str, before: int) -> bool:
    return any(
        source.lines(node)[1] < before and any(name in names_in(target.target) for target in node.targets)
        for node in source.nodes(cst.Assign)
    )


def _fit_once(source: Source) -> None:
    """``X_val = scaler.fit_transform(X_val)`` after the training rows' becomes ``scaler.transform(X_val)``."""
    fitted: dict[str, list[cst.Call]] = {}
    for call in source.calls():
        if isinstance(call.func, cst.Attribute) and call.func.attr.value == "fit_transform":
            name = dotted(call.func.value)
            if name is not None:
                fitted.setdefault(name, []).append(call)
    twice = [calls for calls in fitted.values() if len(calls) == 2]
    if len(twice) != 1:
        raise NoPatch("no scaler that is fitted twice")
    function = twice[0][1].func
    assert isinstance(function, cst.Attribute)
    source.replace(function, f"{source.code(function.value)}.transform")


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
