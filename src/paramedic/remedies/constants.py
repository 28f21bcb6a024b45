"""Follows an expression to the literal that gives it its value: a constant, a default, a setting in a dict."""

from __future__ import annotations

import libcst as cst

from paramedic.remedies.source import NoPatch, Source, argument, dotted, number


def literal_of(source: Source, expression: cst.BaseExpression) -> cst.BaseExpression:
    """The numeric literal behind an expression; NoPatch if it is computed, or set at several places."""
    found = literals_of(source, expression)
    if len(found) == 1:
        return found[0]
    raise NoPatch(f"{source.code(expression)} is {f'set at {len(found)} places' if found else 'computed'}")


def literals_of(source: Source, expression: cst.BaseExpression) -> list[cst.BaseExpression]:
    """All literals that give an expression its values, at different places or calls; none if it is computed."""
    if number(expression) is not None:
        return [expression]
    for find in (_constant, _default, _setting, _flag):
        found = find(source, expression)
        if found:
            return found
    return []


def set_number(source: Source, expression: cst.BaseExpression, code: str) -> None:
    """Give the expression another value where it is written down."""
    source.replace(literal_of(source, expression), code)


def _constant(source: Source, expression: cst.BaseExpression) -> list[cst.BaseExpression]:
    """``LR = 0.2``, ``WIDTH, DEPTH = 40, 10``; only if the name is assigned nothing else."""
    name = dotted(expression)
    if name is None:
        return []
    found: list[cst.BaseExpression] = []
    for assign in source.nodes(cst.Assign):
        for target in assign.targets:
            if dotted(target.target) == name:
                found.append(assign.value)
            elif isinstance(target.target, cst.Tuple) and isinstance(assign.value, cst.Tuple):
                pairs = zip(target.target.elements, assign.value.elements, strict=False)
                found += [value.value for left, value in pairs if dotted(left.value) == name]
    for annotated in source.nodes(cst.AnnAssign):
        if dotted(annotated.target) == name and annotated.value is not None:
            found.append(annotated.value)
    if len(found) == 1 and number(found[0]) is None and dotted(found[0]) != name:
        return literals_of(source, found[0])
    return found if all(number(item) is not None for item in found) else []


def _default(source: Source, expression: cst.BaseExpression) -> list[cst.BaseExpression]:
    """The parameter's default, or the one number that its only caller gives."""
    if isinstance(expression, cst.Attribute) and dotted(expression.value) == "self":
        return _attribute(source, expression)
    if not isinstance(expression, cst.Name):
        return []
    function = source.outer(expression, cst.FunctionDef)
    while function is not None:
        parameters = [*function.params.params, *function.params.kwonly_params]
        for position, parameter in enumerate(parameters):
            if parameter.name.value == expression.value:
                given, everywhere = _given(source, function, parameter, position)
                usual = parameter.default
                if usual is None or number(usual) is None or (given and everywhere):
                    return given
                return [*given, usual]
        function = source.outer(function, cst.FunctionDef)
    return []


def _attribute(source: Source, expression: cst.Attribute) -> list[cst.BaseExpression]:
    """``self.p = p`` in the class around."""
    owner = source.outer(expression, cst.ClassDef)
    if owner is None:
        return []
    name = dotted(expression)
    values = [
        node.value for node in source.nodes(cst.Assign, owner) if any(dotted(item.target) == name for item in node.targets)
    ]
    return literals_of(source, values[0]) if len(values) == 1 else []


def _given(
    source: Source, function: cst.FunctionDef, parameter: cst.Param, position: int
) -> tuple[list[cst.BaseExpression], bool]:
    """The values that calls of the function (or of its class) in this file give for a parameter; whether all calls do."""
    name = function.name.value
    owner = source.outer(function, cst.ClassDef)
    if owner is not None:
        if name != "__init__":
            return [], True
        name, position = owner.name.value, position - 1
    calls = [call for call in source.calls() if dotted(call.func) == name]
    values = [item.value for call in calls if (item := argument(call, parameter.name.value, position)) is not None]
    return [literal_of(source, value) for value in values], len(values) == len(calls)


def _setting(source: Source, expression: cst.BaseExpression) -> list[cst.BaseExpression]:
    """``CONFIG["lr"]`` with ``CONFIG = {"lr": 0.1}`` or ``dict(lr=0.1)``."""
    if not isinstance(expression, cst.Subscript) or len(expression.slice) != 1:
        return []
    index = expression.slice[0].slice
    name = dotted(expression.value)
    if name is None or not isinstance(index, cst.Index) or not isinstance(index.value, cst.SimpleString):
        return []
    key = index.value.evaluated_value
    found: list[cst.BaseExpression] = []
    for assign in source.assignments(_passed(source, expression, name)):
        value = assign.value
        if isinstance(value, cst.Dict):
            found += [
                item.value for item in value.elements
                if isinstance(item, cst.DictElement)
                and isinstance(item.key, cst.SimpleString) and item.key.evaluated_value == key
            ]
        elif isinstance(value, cst.Call) and dotted(value.func) == "dict":
            found += [item.value for item in value.args if item.keyword and item.keyword.value == key]
    return found if all(number(item) is not None for item in found) else []


def _passed(source: Source, expression: cst.BaseExpression, name: str) -> str:
    """What the only caller of the function (or class) around gives for a parameter of this name; else the name itself."""
    function = source.outer(expression, cst.FunctionDef)
    for position, parameter in enumerate(function.params.params if function is not None else ()):
        if function is None or parameter.name.value != name:
            continue
        owner = source.outer(function, cst.ClassDef)
        called = owner.name.value if owner is not None and function.name.value == "__init__" else function.name.value
        place = position - 1 if owner is not None else position
        given = [item for call in source.calls() if dotted(call.func) == called and (item := argument(call, name, place))]
        passed = dotted(given[0].value) if len(given) == 1 else None
        if passed is None or source.outer(given[0], cst.FunctionDef) is function:
            return name
        return _passed(source, given[0].value, passed)  # perhaps it is passed on there
    return name


def _flag(source: Source, expression: cst.BaseExpression) -> list[cst.BaseExpression]:
    """``args.lr`` with ``parser.add_argument("--lr", default=0.1)``, or a click option."""
    if not isinstance(expression, (cst.Attribute, cst.Name)):
        return []
    name = expression.attr.value if isinstance(expression, cst.Attribute) else expression.value
    found: list[cst.BaseExpression] = []
    for call in source.calls():
        if source.called(call) not in ("add_argument", "option"):
            continue
        flags = [
            item.value.evaluated_value for item in call.args
            if item.keyword is None and isinstance(item.value, cst.SimpleString)
        ]
        if any(str(flag).lstrip("-").replace("-", "_") == name for flag in flags):
            default = argument(call, "default")
            if default is not None and number(default.value) is not None:
                found.append(default.value)
    return found
