"""Facts about the user's source, read with ``ast`` and never executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

Function = ast.FunctionDef | ast.AsyncFunctionDef
OF_TENSORS = frozenset({"shape", "T", "mT", "data", "device", "dtype", "grad", "ndim", "requires_grad", "real", "imag"})


@lru_cache(maxsize=64)
def parsed(file: str) -> ast.Module | None:
    """The syntax tree of a source file; None if it cannot be read (a notebook cell, a deleted file)."""
    try:
        return ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


def function_at(tree: ast.Module, line: int) -> Function | None:
    """The innermost function whose body holds ``line``."""
    found = [
        node for node in ast.walk(tree)
        if isinstance(node, Function) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return max(found, key=lambda node: node.lineno, default=None)


def names_read(node: ast.AST) -> set[str]:
    return {item.id for item in ast.walk(node) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Load)}


def parameters(function: Function) -> list[str]:
    """Positional parameters without defaults, in order; without self and cls."""
    arguments = [*function.args.posonlyargs, *function.args.args]
    without = arguments[: len(arguments) - len(function.args.defaults)]
    return [item.arg for item in without if item.arg not in ("self", "cls")]


def unread_parameters(function: Function) -> list[str]:
    """Parameters that the body never reads; those with a leading underscore say so themselves."""
    read: set[str] = set()
    for statement in function.body:
        read |= names_read(statement)
    return [name for name in parameters(function) if name not in read and not name.startswith("_")]


def calls_with(tree: ast.Module, count: int) -> Iterator[ast.Call]:
    """Calls with at least ``count`` plain positional arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len(node.args) >= count:
            if not any(isinstance(item, ast.Starred) for item in node.args[:count]):
                yield node


def root_name(node: ast.AST) -> str | None:
    """"batch" for batch, batch[1], batch.y and batch[1].to(device)."""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return None
    return node.id


def counters(tree: ast.AST) -> set[str]:
    """Names that a for loop counts with: over range, or the first of enumerate."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Call):
            function = root_name(node.iter.func)
            target = node.target
            if function == "range" and isinstance(target, ast.Name):
                found.add(target.id)
            if function == "enumerate" and isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
                found.add(target.elts[0].id)
    return found


def trains(function: ast.AST) -> bool:
    """Whether it calls backward: a function of a whole step is no loss function."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward"
        for node in ast.walk(function)
    )


def unpacked(tree: ast.AST) -> set[str]:
    """Names that can hold data: what loops and functions are given, and what is taken out of or computed from such.

    Without names whose attributes are read as settings (``args.lr``).
    """
    found: set[str] = set()
    settings = {
        node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr not in OF_TENSORS
    } - {
        node.func.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, Function):
            found |= {item.arg for item in node.args.args} - settings
        elif isinstance(node, ast.For | ast.comprehension):
            found |= _stored(node.target)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                whole = isinstance(target, ast.Tuple | ast.List) or isinstance(node.value, ast.Subscript | ast.BinOp)
                found |= _stored(target) if whole or names_read(node.value) & found else set()
    return found


def _stored(target: ast.AST) -> set[str]:
    return {item.id for item in ast.walk(target) if isinstance(item, ast.Name)}


def overwritten_at(tree: ast.Module, line: int) -> int | None:
    """The line that assigns again, unread in between, the name that is assigned on ``line``; None if none does."""
    for block in (getattr(node, name, None) for node in ast.walk(tree) for name in ("body", "orelse", "finalbody")):
        if not isinstance(block, list):
            continue
        for number, statement in enumerate(block):
            if not isinstance(statement, ast.Assign) or statement.lineno != line:
                continue
            target = statement.targets[0]
            if not isinstance(target, ast.Name):
                return None
            for later in block[number + 1 :]:
                if target.id in names_read(later):
                    return None
                if isinstance(later, ast.Assign) and any(target.id in _stored(item) for item in later.targets):
                    return later.lineno
    return None


@dataclass(frozen=True)
class QuantileNames:
    """How a quantile loss is written: with q and q - 1 (``from_above``), or with 1 - q and -q; whether names say that it is
    one."""

    from_above: bool
    speaks_of_quantiles: bool


QUANTILES = re.compile(r"quantile|pinball|percentile|(^|_)(q|qs|tau|taus)($|_)", re.IGNORECASE)


def quantile_names(tree: ast.AST) -> QuantileNames | None:
    """Of a function in which one name is used with "name - 1", or with "1 - name" and "-name"; None where there is no such
    name, or both are found."""
    less, rest, negative = set(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
            left, right = (isinstance(item, ast.Constant) and item.value == 1 for item in (node.left, node.right))
            less |= {ast.unparse(node.left)} if right and not left else set()
            rest |= {ast.unparse(node.right)} if left and not right else set()
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            negative.add(ast.unparse(node.operand))
    above, below = less - rest, (rest & negative) - less
    if bool(above) == bool(below):
        return None
    names = [*(above or below), getattr(tree, "name", "")]
    spoken = any(QUANTILES.search(part) for name in names for part in re.split(r"\W+", name))
    return QuantileNames(bool(above), spoken)


INTEGERS = frozenset("uint8 int8 int16 int32 int64 uint16 uint32 int long short byte".split())


def quotients_cast_to_integers(tree: ast.AST) -> list[int]:
    """The lines that make integers of a quotient, ``(x / 255).astype(np.uint8)``: what lies below 1 becomes 0."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        kinds = {item.attr for item in _parts(node) if isinstance(item, ast.Attribute)}
        kinds |= {item.value for item in _parts(node) if isinstance(item, ast.Constant) and isinstance(item.value, str)}
        kinds |= {item.id for item in _parts(node) if isinstance(item, ast.Name)}
        method = node.func.attr in ("astype", "to", "type") and bool(kinds & INTEGERS)
        if (method or node.func.attr in INTEGERS and not node.args) and _is_quotient(node.func.value):
            found.append(node.lineno)
        elif node.func.attr in INTEGERS and len(node.args) == 1 and _is_quotient(node.args[0]):
            found.append(node.lineno)
    return found


def _parts(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(item.value for item in call.keywords)]


def _is_quotient(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
