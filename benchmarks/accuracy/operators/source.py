"""A program's text with its syntax tree, and edits that keep every other character as it was."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """Replace the text between two offsets; an insertion has ``start == end``. ``fault``: its lines are the fault's."""

    start: int
    end: int
    text: str
    fault: bool = True


@dataclass(frozen=True)
class Injection:
    """The changed text and the lines (from 1) on which a finding is in the right place."""

    text: str
    lines: tuple[int, ...]


class Source:
    """One program. Offsets are in characters; ast counts UTF-8 bytes, which programs of ASCII text don't differ in."""

    def __init__(self, text: str) -> None:
        if not text.isascii():
            raise ValueError("offsets of ast are bytes: ASCII programs only")
        self.text = text
        self.tree = ast.parse(text)
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def span(self, node: ast.AST) -> tuple[int, int]:
        start = self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def of(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def nodes(self, *kinds: type) -> Iterator[ast.AST]:
        """In the order of the text; not within f-strings, where quotes may not nest."""
        found = [
            node
            for node in ast.walk(self.tree)
            if isinstance(node, kinds) and not any(isinstance(item, ast.JoinedStr) for item in self.above(node))
        ]
        yield from sorted(found, key=lambda node: (node.lineno, node.col_offset))  # type: ignore[attr-defined]

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        while node in self.parents:
            node = self.parents[node]
            yield node

    def statement(self, node: ast.AST) -> ast.stmt:
        return next(item for item in (node, *self.above(node)) if isinstance(item, ast.stmt))

    def loop(self, node: ast.AST) -> ast.stmt | None:
        """The innermost loop around a node, within its function."""
        for item in self.above(node):
            if isinstance(item, (ast.For, ast.While)):
                return item
            if isinstance(item, (ast.FunctionDef, ast.Lambda)):
                return None
        return None

    def function(self, node: ast.AST) -> ast.AST | None:
        return next((item for item in self.above(node) if isinstance(item, ast.FunctionDef)), None)

    # edits

    def with_argument(self, call: ast.Call, text: str) -> Edit:
        """The call with one more argument at its end."""
        inside = self.of(call)[:-1].rstrip().rstrip(",")
        return self.replace(call, f"{inside}{', ' if call.args or call.keywords else ''}{text})")

    def replace(self, node: ast.AST, text: str) -> Edit:
        return Edit(*self.span(node), text)

    def wrap(self, node: ast.AST, before: str, after: str) -> Edit:
        return self.replace(node, f"{before}{self.of(node)}{after}")

    def delete(self, statement: ast.stmt) -> Edit:
        """A whole line; ``pass`` where the block would be empty."""
        body = next(
            block
            for _, block in ast.iter_fields(self.parents[statement])
            if isinstance(block, list) and statement in block
        )
        if len(body) == 1 or self.text[self.starts[statement.lineno - 1] :].lstrip(" ")[:1] != self.of(statement)[:1]:
            return self.replace(statement, "pass")
        return Edit(self.starts[statement.lineno - 1], self.starts[statement.end_lineno], "")  # type: ignore[index]

    def before(self, statement: ast.stmt, *lines: str) -> Edit:
        return self._insertion(self.starts[statement.lineno - 1], statement, lines)

    def after(self, statement: ast.stmt, *lines: str) -> Edit:
        return self._insertion(self.starts[statement.end_lineno], statement, lines)  # type: ignore[index]

    def _insertion(self, offset: int, statement: ast.stmt, lines: Sequence[str]) -> Edit:
        indent = " " * statement.col_offset
        return Edit(offset, offset, "".join(f"{indent}{line}\n" for line in lines))

    def inject(self, edits: Sequence[Edit], also: Sequence[ast.AST] = ()) -> Injection | None:
        """Apply edits. ``also``: nodes whose first lines are right places too. None if nothing was edited.

        An edit within another one is left out.
        """
        edits = [
            edit
            for edit in edits
            if not any(other is not edit and other.start <= edit.start and edit.end <= other.end
                       and other.end - other.start > edit.end - edit.start for other in edits)
        ]
        if not edits:
            return None
        places = {self.span(node)[0] for node in also}
        replaced = {edit.start for edit in edits if edit.end > edit.start}
        text, shift, lines, last = "", {}, set(), 0
        for edit in sorted(edits, key=lambda item: item.start):
            text += self.text[last : edit.start]
            first = text.count("\n") + 1
            text += edit.text
            if edit.fault:
                added = edit.text.count("\n") - (1 if edit.text.endswith("\n") else 0)
                lines |= set(range(first, first + max(added, 0) + 1)) if edit.text else set()
            last = edit.end
            shift[edit.start] = len(edit.text) - (edit.end - edit.start)
        text += self.text[last:]
        for place in places:
            moved = place + sum(
                amount
                for start, amount in shift.items()
                if start < place or (start == place and amount > 0 and start not in replaced)
            )
            lines.add(text.count("\n", 0, moved) + 1)
        ast.parse(text)
        return Injection(text, tuple(sorted(lines))) if lines else None


@dataclass(frozen=True)
class Operator:
    """One fault that can be put into a program, and the answers that are right for it (decided before measuring)."""

    name: str
    reason: str
    check: str
    also: tuple[str, ...]
    inject: Callable[[Source], Injection | None]
    metric: bool = False  # the fault is in what is reported, not in what is learned


OPERATORS: dict[str, Operator] = {}


def operator(
    reason: str, check: str, *also: str, metric: bool = False
) -> Callable[[Callable[[Source], Injection | None]], Callable[[Source], Injection | None]]:
    """Register a function as an operator under its own name."""

    def register(function: Callable[[Source], Injection | None]) -> Callable[[Source], Injection | None]:
        OPERATORS[function.__name__] = Operator(function.__name__, reason, check, also, function, metric)
        return function

    return register
