"""Where in the user's own code rows are made."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

from paramedic.trace.place import Place, is_user_file, relative


def method_place(instance: Any, name: str) -> Place | None:
    """The last ``return`` of a method that the user wrote (``__getitem__`` of a dataset); None if it is not theirs."""
    function = getattr(type(instance), name, None)
    code = getattr(function, "__code__", None)
    if code is None or not is_user_file(code.co_filename):
        return None
    line = code.co_firstlineno
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        returns = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Return)]
        line = code.co_firstlineno + max(returns) - 1 if returns else line
    except (OSError, SyntaxError, TypeError):
        pass
    return Place(relative(code.co_filename), line, name)


def row_place(dataset: Any) -> Place | None:
    """Where the user's dataset returns a row, through subsets; None for the library's own datasets."""
    for _ in range(5):
        place = method_place(dataset, "__getitem__")
        if place is not None:
            return place
        if not hasattr(dataset, "dataset"):
            return None
        dataset = dataset.dataset
    return None
