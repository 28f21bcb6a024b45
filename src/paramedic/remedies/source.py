"""A source file of the user's, looked up by line and changed with LibCST: comments and style stay as they are."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from paramedic.remedies.patching import NO_NEWLINE, lines_of

MAX_BYTES = 2_000_000
Node = TypeVar("Node", bound=cst.CSTNode)
Compound = cst.For | cst.While | cst.If | cst.With | cst.FunctionDef | cst.ClassDef | cst.Try
Change = Callable[[Any], Any]


class NoPatch(Exception):
    """No rewrite that is beyond doubt; the text says why."""


class Source:
    """One file. Changes are collected, and made together by ``edited``.

    Nodes are found by line, as the report names it, and by what they call; changes are given for nodes of ``module``.
    """

    def __init__(self, text: str, name: str = "program.py") -> None:
        self.text, self.name = text, name
        wrapper = MetadataWrapper(cst.parse_module(text))
        self.module = wrapper.module
        self._positions = wrapper.resolve(PositionProvider)
        self._parents = wrapper.resolve(ParentNodeProvider)
        self._changes: dict[cst.CSTNode, list[Change]] = {}
        self.aliases = _aliases(ast.parse(text))

    @staticmethod
    def read(path: Path, name: str) -> Source:
        """NoPatch if the file cannot be read as Python."""
        try:
            if path.suffix != ".py" or path.stat().st_size > MAX_BYTES:
                raise NoPatch("not a Python file of ordinary size")
            return Source(path.read_bytes().decode("utf-8"), name)
        except (OSError, ValueError, SyntaxError, cst.ParserSyntaxError) as error:
            raise NoPatch(f"{name} cannot be read ({type(error).__name__})") from error

    # Where things are

    def lines(self, node: cst.CSTNode) -> tuple[int, int]:
        """First and last line."""
        at = self._positions[node]
        return at.start.line, at.end.line

    def nodes(self, kind: type[Node] | tuple[type[Node], ...], within: cst.CSTNode | None = None) -> list[Node]:
        """All nodes of a kind in the order of the file, in the module or within a node."""
        found: list[Node] = []

        def visit(node: cst.CSTNode) -> None:
            if isinstance(node, kind):
                found.append(node)
            for child in node.children:
                visit(child)

        visit(within or self.module)
        return found

    def calls(self, line: int | None = None, within: cst.CSTNode | None = None) -> list[cst.Call]:
        """Calls, those on the given line only (outer before inner); a call may begin on an earlier line."""
        found = self.nodes(cst.Call, within)
        if line is None:
            return found
        exact = [node for node in found if self.lines(node)[0] <= line <= self.lines(node)[1]]
        statement = self.statement(line)
        return [node for node in exact if statement is None or self.inside(node, statement)]

    def statement(self, line: int) -> cst.SimpleStatementLine | None:
        """The simple statement that covers a line; None for a line of a compound statement's head."""
        found = [
            node for node in self.nodes(cst.SimpleStatementLine) if self.lines(node)[0] <= line <= self.lines(node)[1]
        ]
        return found[0] if found else None

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return self._parents.get(node)

    def outer(self, node: cst.CSTNode, kind: type[Node] | tuple[type[Node], ...]) -> Node | None:
        """The innermost node of a kind around ``node``."""
        above = self.parent(node)
        while above is not None and not isinstance(above, kind):
            above = self.parent(above)
        return above

    def around(self, node: cst.CSTNode, kind: type[Node] | tuple[type[Node], ...]) -> list[Node]:
        """All nodes of a kind around ``node``, the innermost first."""
        found, above = [], self.outer(node, kind)
        while above is not None:
            found.append(above)
            above = self.outer(above, kind)
        return found

    def inside(self, node: cst.CSTNode, outer: cst.CSTNode) -> bool:
        above: cst.CSTNode | None = node
        while above is not None and above is not outer:
            above = self.parent(above)
        return above is outer

    def line_of(self, node: cst.CSTNode) -> cst.SimpleStatementLine | None:
        """The simple statement around an expression."""
        return self.outer(node, cst.SimpleStatementLine)

    def block(self, statement: cst.CSTNode) -> Sequence[cst.CSTNode]:
        """The statements among which a statement stands."""
        parent = self.parent(statement)
        return list(parent.body) if isinstance(parent, (cst.Module, cst.IndentedBlock)) else [statement]

    # What things are called

    def code(self, node: cst.CSTNode) -> str:
        return self.module.code_for_node(node)

    def function(self, call: cst.Call) -> str:
        """What is called, with import aliases resolved: "torch.nn.functional.softmax"; ".softmax" for a method."""
        name = dotted(call.func)
        if name is None:
            return f".{call.func.attr.value}" if isinstance(call.func, cst.Attribute) else ""
        head, _, rest = name.partition(".")
        full = self.aliases.get(head)
        if full is None:
            return name
        return f"{full}.{rest}" if rest else full

    def called(self, call: cst.Call) -> str:
        """The last part of what is called: "softmax"."""
        return self.function(call).rpartition(".")[2]

    def nn(self) -> str:
        """How this file writes torch.nn."""
        for alias, full in self.aliases.items():
            if full == "torch.nn":
                return alias
        return f"{self.torch()}.nn"

    def torch(self) -> str:
        """How this file writes torch; NoPatch if it imports it under no name."""
        for alias, full in self.aliases.items():
            if full == "torch":
                return alias
        raise NoPatch("the file does not import torch")

    def assignments(self, name: str) -> list[cst.Assign]:
        """Assignments to a plain or dotted name ("model", "self.norm")."""
        return [
            node for node in self.nodes(cst.Assign)
            if any(dotted(target.target) == name for target in node.targets)
        ]

    def assigned_name(self, node: cst.CSTNode) -> str | None:
        """"model" for the value (or a part of it) of ``model = ...``."""
        assign = self.outer(node, cst.Assign)
        return dotted(assign.targets[0].target) if assign is not None else None

    # Changes

    def change(self, node: cst.CSTNode, change: Change) -> None:
        """``change`` gets the node as it is after the changes inside it, and returns what stands in its place."""
        self._changes.setdefault(node, []).append(change)

    def replace(self, node: cst.BaseExpression, code: str) -> None:
        """Put an expression in the place of another; it is written in full, changes inside are lost."""
        expression = cst.parse_expression(code)
        self.change(node, lambda _: expression)

    def remove(self, statement: cst.CSTNode) -> None:
        self.change(statement, lambda _: cst.RemoveFromParent())

    def before(self, statement: cst.BaseStatement, *code: str) -> None:
        """New statements in front of one; the blank lines in front of it stay in front of all."""
        new = [self.parse(text) for text in code]

        def insert(node: Any) -> Any:
            if isinstance(node, cst.FlattenSentinel):
                return cst.FlattenSentinel([*new, *node.nodes])
            leading = getattr(node, "leading_lines", ())
            if leading and all(line.comment is None for line in leading):
                first = new[0].with_changes(leading_lines=leading)
                return cst.FlattenSentinel([first, *new[1:], node.with_changes(leading_lines=())])
            return cst.FlattenSentinel([*new, node])

        self.change(statement, insert)

    def after(self, statement: cst.BaseStatement, *code: str) -> None:
        new = [self.parse(text) for text in code]

        def insert(node: Any) -> Any:
            nodes = node.nodes if isinstance(node, cst.FlattenSentinel) else [node]
            return cst.FlattenSentinel([*nodes, *new])

        self.change(statement, insert)

    def first_in(self, compound: Any, *code: str) -> None:
        """New statements at the beginning of a compound statement's body (after its docstring)."""
        body = compound.body
        if not isinstance(body, cst.IndentedBlock):
            raise NoPatch("the block is written on one line")
        first = body.body[0]
        if isinstance(first, cst.SimpleStatementLine) and isinstance(compound, (cst.FunctionDef, cst.ClassDef)):
            expression = first.body[0]
            if isinstance(expression, cst.Expr) and isinstance(expression.value, cst.SimpleString):
                self.after(first, *code)
                return
        self.before(first, *code)

    def parse(self, code: str) -> Any:
        return cst.parse_statement(code, config=self.module.config_for_parsing)

    def edited(self) -> str:
        """The file with all changes; NoPatch if there are none, or the result is no Python."""
        if not self._changes:
            raise NoPatch("nothing to change was found")
        text = self.module.visit(_Apply(self._changes)).code  # type: ignore[union-attr]
        if text == self.text:
            raise NoPatch("nothing to change was found")
        try:
            ast.parse(text)
        except SyntaxError as error:
            raise NoPatch(f"the rewritten file would be no Python ({error.msg})") from error
        return text

    def diff(self) -> str:
        """A unified diff from the file to the edited file."""
        return unified(self.text, self.edited(), self.name)


def unified(before: str, after: str, name: str) -> str:
    lines = difflib.unified_diff(lines_of(before), lines_of(after), f"a/{name}", f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n{NO_NEWLINE}" for line in lines)


class _Apply(cst.CSTTransformer):
    def __init__(self, changes: dict[cst.CSTNode, list[Change]]) -> None:
        super().__init__()
        self.changes = changes

    def on_leave(self, original_node: cst.CSTNode, updated_node: Any) -> Any:
        updated_node = super().on_leave(original_node, updated_node)
        for change in self.changes.get(original_node, ()):
            updated_node = change(updated_node)
        return updated_node


def dotted(node: cst.CSTNode) -> str | None:
    """ "a.b.c" for names and attributes of names."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr.value}" if inner else None
    return None


def argument(call: cst.Call, name: str, position: int | None = None) -> cst.Arg | None:
    """The argument given by name, or at a position."""
    for index, item in enumerate(call.args):
        if item.star:
            continue
        if item.keyword is not None and item.keyword.value == name:
            return item
        if item.keyword is None and index == position:
            return item
    return None


def with_argument(call: cst.Call, name: str, code: str, position: int | None = None) -> cst.Call:
    """The call with one argument set: in its place if it is given, as a keyword at the end if not."""
    value = cst.parse_expression(code)
    given = argument(call, name, position)
    if given is not None:
        return call.with_changes(args=[
            item.with_changes(value=value) if item is given else item for item in call.args
        ])
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    new = cst.Arg(value, keyword=cst.Name(name), equal=equal)
    args = list(call.args)
    if args:
        comma = args[-1].comma
        if isinstance(comma, cst.Comma):  # a trailing comma stays the last one
            new = new.with_changes(comma=comma)
            if len(args) > 1:
                args[-1] = args[-1].with_changes(comma=args[-2].comma)
        else:
            args[-1] = args[-1].with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
    return call.with_changes(args=[*args, new])


def without_argument(call: cst.Call, given: cst.Arg) -> cst.Call:
    """The call without one argument."""
    args = [item for item in call.args if item is not given]
    if args and call.args[-1] is given:
        args[-1] = args[-1].with_changes(comma=given.comma)
    return call.with_changes(args=args)


def number(node: cst.CSTNode | None) -> float | None:
    """The value of a numeric literal, with its sign."""
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        inner = number(node.expression)
        return None if inner is None else -inner
    if isinstance(node, (cst.Integer, cst.Float)):
        return float(node.evaluated_value)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, (cst.Power, cst.Divide, cst.Multiply)):
        left, right = number(node.left), number(node.right)
        if left is not None and right is not None:
            try:
                if isinstance(node.operator, cst.Power):
                    return float(left**right)
                return left / right if isinstance(node.operator, cst.Divide) else left * right
            except (ArithmeticError, ValueError):
                return None
    return None


def _aliases(tree: ast.Module) -> dict[str, str]:
    """Name in the file -> full dotted name, from all imports."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for item in node.names:
                found[item.asname or item.name.partition(".")[0]] = (
                    item.name if item.asname else item.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for item in node.names:
                found[item.asname or item.name] = f"{node.module}.{item.name}"
    return found


def names_in(node: cst.CSTNode) -> Iterator[str]:
    """Names that are read or bound; not those of attributes and keywords."""
    if isinstance(node, cst.Name):
        yield node.value
    skipped = node.attr if isinstance(node, cst.Attribute) else node.keyword if isinstance(node, cst.Arg) else None
    for child in node.children:
        if child is not skipped:
            yield from names_in(child)
