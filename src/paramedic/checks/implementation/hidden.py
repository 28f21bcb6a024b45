"""Modules and tensors that a model keeps where PyTorch does not see them: in lists, dicts and plain attributes."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType
from typing import Any

from torch import Tensor, nn

from paramedic.trace.place import Place, is_user_file, relative

MOST_DEPTH = 3
MOST_ITEMS = 2000
_REGISTRIES = frozenset({"_parameters", "_buffers", "_modules"})


@dataclass(frozen=True)
class Hidden:
    """A tensor below ``holder.attribute`` that is no registered parameter or buffer.

    module: the unregistered module that it is a parameter of; None for a plain tensor.
    """

    holder: nn.Module
    attribute: str
    tensor: Tensor
    module: nn.Module | None


def hidden_tensors(root: nn.Module) -> Iterator[Hidden]:
    """All of them below a model."""
    known = {id(tensor) for tensor in (*root.parameters(), *root.buffers())}
    registered = {id(module) for module in root.modules()}
    for holder in root.modules():
        for attribute, value in list(vars(holder).items()):
            if attribute in _REGISTRIES or attribute.startswith("__"):
                continue
            for tensor, module in _below(value, registered, MOST_DEPTH):
                if id(tensor) not in known:
                    yield Hidden(holder, attribute, tensor, module)


def _below(value: Any, registered: set[int], depth: int) -> Iterator[tuple[Tensor, nn.Module | None]]:
    if isinstance(value, Tensor):
        yield value, None
    elif isinstance(value, nn.Module):
        if id(value) not in registered:
            for module in value.modules():
                for parameter in module.parameters(recurse=False):
                    yield parameter, module
    elif depth and isinstance(value, list | tuple | set | dict):
        items = list(value.values()) if isinstance(value, dict) else list(value)
        for item in items[:MOST_ITEMS]:
            yield from _below(item, registered, depth - 1)


def assignment(holder: nn.Module, attribute: str) -> Place | None:
    """The line in the holder's class that assigns ``self.attribute``; None if it is not the user's code."""
    for kind in type(holder).__mro__:
        code = getattr(vars(kind).get("__init__"), "__code__", None)
        if code is None or not is_user_file(code.co_filename):
            continue
        found = [node.lineno for node in _class_body(code) if _assigns(node, attribute)]
        if found:
            return Place(relative(code.co_filename), min(found), kind.__name__)
    return None


def _class_body(code: CodeType) -> list[ast.stmt]:
    """All statements of the innermost class around a method."""
    try:
        tree = ast.parse("".join(linecache.getlines(code.co_filename)))
    except SyntaxError:
        return []
    line = code.co_firstlineno
    around = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.lineno <= line <= (node.end_lineno or line)
    ]
    inner = ast.walk(max(around, key=lambda node: node.lineno)) if around else ()
    return [node for node in inner if isinstance(node, ast.stmt)]


def _assigns(node: ast.AST, attribute: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    flat = [item for target in targets for item in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return any(
        isinstance(item, ast.Attribute)
        and item.attr == attribute
        and isinstance(item.value, ast.Name)
        and item.value.id == "self"
        for item in flat
    )
