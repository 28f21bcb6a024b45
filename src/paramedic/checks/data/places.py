"""Where in the user's own code rows are made: the line of a program's text that a fault of the data points to."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from paramedic.trace.place import Place, is_user_file, relative

Pattern = Callable[[ast.AST], bool]
MOST_ROUNDS = 30  # of following names backwards through assignments


def method_place(instance: Any, name: str, pattern: Pattern | None = None) -> Place | None:
    """The last line of a method of the user's that fits (its last ``return``); None if the method is not theirs."""
    return function_place(
        getattr(type(instance), name, None), pattern or (lambda node: isinstance(node, ast.Return))
    )


def row_place(dataset: Any, pattern: Pattern | None = None) -> Place | None:
    """Where the user's dataset returns a row (or does what the pattern says), through subsets; None for the library's
    own datasets.
    """
    for _ in range(5):
        place = method_place(dataset, "__getitem__", pattern)
        if place is not None:
            return place
        if not hasattr(dataset, "dataset"):
            return None
        dataset = dataset.dataset
    return None


def function_place(function: Any, pattern: Pattern) -> Place | None:
    """The last line of a function of the user's that fits (of an object that is called: of its ``__call__``); its first line
    where none does."""
    if callable(function) and not hasattr(inspect.unwrap(function), "__code__"):
        function = type(function).__call__
    code = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
    if code is None or not is_user_file(code.co_filename):
        return None
    line = code.co_firstlineno
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        lines = [getattr(node, "lineno", 0) for node in ast.walk(tree) if pattern(node)]
        line = code.co_firstlineno + max(lines) - 1 if lines else line
    except (OSError, SyntaxError, TypeError):
        pass
    return Place(relative(code.co_filename), line, code.co_name)


def break_place(place: Place) -> Place:
    """The ``break`` of the loop that ``place`` begins; the loop itself without one."""
    tree = _parsed(place.file)
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.For) and node.lineno == place.line:
            lines = [item.lineno for item in ast.walk(node) if isinstance(item, ast.Break)]
            return Place(place.file, lines[0], place.function) if lines else place
    return place


def epoch_loop(place: Place | None) -> Place | None:
    """The loop over the epochs around a step of training, through the functions that it is made in; else ``place``.

    Loops that count (``range`` without a stride) are those over epochs, or over batches where another one counts around
    them; loops over a loader, over parts of a range or over folds are neither.
    """
    tree = _parsed(place.file) if place is not None else None
    if tree is None or place is None:
        return place
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    inside = [node for node in _statements(tree) if node.lineno <= place.line <= _end(node)]
    if not inside:
        return place
    node: ast.AST = max(inside, key=lambda item: (item.lineno, -_end(item)))
    loops: list[ast.stmt] = []
    for _ in range(MOST_ROUNDS):
        more, function = _loops_around(node, parents)
        loops += more
        if function is None or len(loops) > 1:
            break
        callers = (item for item in ast.walk(tree) if calls(function.name)(item))
        outside = [item for item in callers if function not in _above(item, parents)]
        if not outside:
            break
        node = next((item for item in outside if _loops_around(item, parents)[0]), outside[0])
    counting = [loop for loop in loops if isinstance(loop, ast.While) or _counts(loop)]
    found = counting[:2] or loops
    if not found:  # a trainer's loop: how long it goes on stands among the arguments of a call
        return line_behind(place, keyword("max_steps", "num_train_epochs", "max_epochs", "epochs"))
    return Place(place.file, found[-1].lineno, place.function)


def _counts(loop: ast.stmt) -> bool:
    """``for epoch in range(start, end)``, also within a progress bar."""
    over = ast.walk(loop.iter) if isinstance(loop, ast.For) else ()
    return any(calls("range", "trange", "count")(node) and len(node.args) < 3 for node in over)  # type: ignore[attr-defined]


def _above(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[ast.AST]:
    while node in parents:
        node = parents[node]
        yield node


def _loops_around(
    node: ast.AST, parents: dict[ast.AST, ast.AST]
) -> tuple[list[ast.stmt], ast.FunctionDef | ast.AsyncFunctionDef | None]:
    """The loops around a node within its function, innermost first, and the function."""
    loops: list[ast.stmt] = []
    for item in (node, *_above(node, parents)):
        if isinstance(item, (ast.For, ast.While)):
            loops.append(item)
        elif isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return loops, item
    return loops, None


STATISTICS = ("mean", "std", "var", "min", "max", "amin", "amax", "fit_transform", "fit", "std_mean", "scale")
SPLITTING = (
    "concatenate",
    "cat",
    "vstack",
    "repeat",
    "repeat_interleave",
    "tile",
    "train_test_split",
    "random_split",
    "slice",
)
REORDERING = (
    "shuffle",
    "permutation",
    "randperm",
    "sort",
    "sorted",
    "argsort",
    "roll",
    "flip",
    "sample",
    "permuted",
)


# -- patterns -----------------------------------------------------------------------------------------------


def calls(*names: str) -> Pattern:
    """A call of a function or method with one of these names."""
    wanted = frozenset(names)

    return lambda node: isinstance(node, ast.Call) and called_name(node) in wanted


def called_name(call: ast.Call) -> str:
    """Of the function or method, or of the class, without what it is an attribute of."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def keyword(*names: str) -> Pattern:
    """An argument that is given by one of these names."""
    return lambda node: isinstance(node, ast.keyword) and node.arg in names


def named_loss(place: Place | None) -> Place | None:
    """Where the loss is an argument of a trainer's (``model.compile(loss=...)``) that the statement at ``place`` uses."""
    found = line_behind(place, lambda node: calls("compile")(node) and any(keyword("loss")(item) for item in node.keywords))  # type: ignore[attr-defined]
    return line_behind(found, keyword("loss")) if found != place else None


def operator(*kinds: type[ast.operator]) -> Pattern:
    """A binary operation of one of these kinds."""
    return lambda node: isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, kinds)


def is_in_place(node: ast.AST) -> bool:
    """An augmented assignment, or a method that ends in an underscore."""
    name = node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
    return isinstance(node, ast.AugAssign) or (name.endswith("_") and not name.endswith("__"))


def is_slice(node: ast.AST) -> bool:
    """A subscript with a slice or with an index that is computed (``y[i - 1]``)."""
    return isinstance(node, ast.Subscript) and any(
        isinstance(part, (ast.Slice, ast.BinOp)) for part in ast.walk(node.slice)
    )


def line_fits(place: Place | None, pattern: Pattern) -> bool:
    """Whether the statement at a place fits a pattern (without the bodies that hang under it)."""
    tree = _parsed(place.file) if place is not None else None
    if tree is None or place is None:
        return False
    at = [node for node in _statements(tree) if node.lineno <= place.line <= _end(node)]
    innermost = max(at, key=lambda node: (node.lineno, -_end(node)), default=None)
    return innermost is not None and any(pattern(node) for node in _own_nodes(innermost))


def scope_of_call(place: Place | None, *names: str) -> Place | None:
    """The innermost ``with`` statement, or decorator of a function, around a place that is a call of one of the names."""
    tree = _parsed(place.file) if place is not None else None
    if tree is None or place is None:
        return None
    named = calls(*names)
    found = []
    for node in _statements(tree):
        if not node.lineno <= place.line <= _end(node):
            continue
        if isinstance(node, ast.With):
            found += [node.lineno for item in node.items if named(item.context_expr)]
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            bare = (item for item in node.decorator_list if isinstance(item, (ast.Name, ast.Attribute)))
            found += [item.lineno for item in node.decorator_list if named(item)]
            found += [item.lineno for item in bare if getattr(item, "attr", getattr(item, "id", "")) in names]
    return Place(place.file, max(found), place.function) if found else None


# -- following names backwards ------------------------------------------------------------------------------


def line_behind_inputs(place: Place | None, *patterns: Pattern) -> Place | None:
    """As ``line_behind``, with functions, of that alone on which what a call within another one at ``place`` is given depends
    (``loss(model(x), y)``, ``model(x).numpy() * sd``: of x); of the whole statement where that leads nowhere.
    """
    tree = _parsed(place.file) if place is not None else None
    if tree is not None and place is not None:
        behind = list(_behind(tree, _names_of_inner_call(tree, place.line)))
        for pattern in patterns:
            fitting = [node for item in behind for node in _own_nodes(item) if pattern(node)]
            before = [node.lineno for node in fitting if node.lineno <= place.line]  # type: ignore[attr-defined]
            if before:
                return Place(place.file, max(before), place.function)
            inside = [
                (node.lineno, function.name)  # type: ignore[attr-defined]
                for function in _called(tree, behind)
                for node in ast.walk(function)
                if pattern(node)
            ]
            if inside:
                return Place(place.file, *max(inside))
    return line_behind(place, *patterns, in_functions=True)


def _names_of_inner_call(tree: ast.Module, line: int) -> set[str]:
    """What the first call is given, of the inmost ones whose value another call gets or whose value's method is called."""
    for statement in _statements(tree):
        if not statement.lineno <= line <= _end(statement) or hasattr(statement, "body"):
            continue
        made = [node for node in _own_nodes(statement) if isinstance(node, ast.Call)]
        used = {id(item) for node in made for item in node.args}
        used |= {id(node.func.value) for node in made if isinstance(node.func, ast.Attribute)}
        inner = [node for node in made if id(node) in used and node.args]
        inmost = [node for node in inner if not any(item is not node and item in inner for item in ast.walk(node))]
        if inmost:
            first = min(inmost, key=lambda node: (node.lineno, node.col_offset))
            return {name for item in first.args for name in _names(item)}
    return set()


def line_behind(place: Place | None, *patterns: Pattern, in_functions: bool = False) -> Place | None:
    """The last line before ``place`` that fits the first pattern that any line fits, among the statements on which
    the statement at ``place`` depends through names (a backward slice without control flow); else ``place``.

    in_functions: where no such statement fits, the functions and methods of the file that they call are searched, for
    each pattern in turn.
    """
    if place is None:
        return None
    tree = _parsed(place.file)
    if tree is None:
        return place
    slice_ = sorted(set(_slice(tree, place.line)), key=lambda statement: statement.lineno)
    for pattern in patterns:
        lines = [
            getattr(node, "lineno", 0)
            for statement in slice_
            for node in _own_nodes(statement)
            if pattern(node) and getattr(node, "lineno", 0) <= _end(statement)
        ]
        before = [line for line in lines if line <= place.line] or lines
        if before:
            return Place(place.file, max(before), place.function)
        inside = [
            (node.lineno, function.name)  # type: ignore[attr-defined]
            for function in (_called(tree, slice_) if in_functions else ())
            for node in ast.walk(function)
            if pattern(node)
        ]
        if inside:
            return Place(place.file, *max(inside))
    return place


@dataclass(frozen=True)
class SplitParts:
    """A call of scikit-learn's ``train_test_split``, which returns a training and a test part of each array in turn; which of
    them the statements between it and a place read."""

    place: Place
    first: bool
    second: bool


def split_parts(place: Place | None) -> SplitParts | None:
    """The only split among the statements on which the statement at ``place`` depends; None where there is none, or
    several."""
    tree = _parsed(place.file) if place is not None else None
    if tree is None or place is None:
        return None
    behind = set(_slice(tree, place.line))
    splits = [node for node in behind if _is_split(node)]
    if len(splits) != 1:
        return None
    targets = [set(_names(item)) for item in splits[0].targets[0].elts]  # type: ignore[attr-defined]
    read = {name for node in behind if node is not splits[0] for name in _read(node)}
    first, second = (any(names & read for names in targets[start::2]) for start in (0, 1))
    return SplitParts(Place(place.file, splits[0].lineno, place.function), first, second)


def _is_split(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign) or not calls("train_test_split")(node.value):
        return False
    target = node.targets[0]
    return len(node.targets) == 1 and isinstance(target, ast.Tuple) and len(target.elts) == 2 * len(node.value.args)  # type: ignore[attr-defined]


def _called(tree: ast.Module, statements: list[ast.stmt]) -> list[ast.FunctionDef]:
    """Functions of the file that the statements call, and that these call in turn; methods whose name one class alone has,
    and what makes the objects of a class that is called."""
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    methods = [item for node in classes for item in node.body if isinstance(item, ast.FunctionDef)]
    times = Counter(item.name for item in methods)
    functions |= {f".{item.name}": item for item in methods if times[item.name] == 1}
    functions |= {node.name: item for node in classes for item in methods if item.name == "__init__" and item in node.body}
    found: dict[str, ast.FunctionDef] = {}
    waiting: list[ast.AST] = [node for statement in statements for node in _own_nodes(statement)]
    while waiting:
        node = waiting.pop()
        function = node.func if isinstance(node, ast.Call) else None
        name = function.id if isinstance(function, ast.Name) else f".{getattr(function, 'attr', '')}"
        if name in functions and name not in found:
            found[name] = functions[name]
            waiting.extend(ast.walk(functions[name]))
    return list(found.values())


def _parsed(file: str) -> ast.Module | None:
    if not file.endswith(".py"):  # a file of data
        return None
    try:
        with open(file, encoding="utf-8") as text:
            return ast.parse(text.read())
    except (OSError, SyntaxError, ValueError):
        return None


def _end(node: ast.AST) -> int:
    return int(getattr(node, "end_lineno", 0) or getattr(node, "lineno", 0))


def _statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """Simple statements, and the heads of compound ones, anywhere in the file."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.stmt))


def _own_nodes(statement: ast.stmt) -> Iterator[ast.AST]:
    """Nodes of a statement without the bodies that hang under it."""
    stack: list[ast.AST] = [statement]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt))


def one_sided_line(place: Place | None, pattern: Pattern) -> Place | None:
    """The last line that fits the pattern and on which only one of two things depends that are put together as a pair
    (``TensorDataset(x, y)``, ``zip(a, b)``, ``loss(model(x[i]), y[j])``, ``x[i], y[j]``) before or at ``place``; None
    where there is none, or no pair is found.
    """
    tree = _parsed(place.file) if place is not None else None
    if tree is None or place is None:
        return None
    found: list[int] = []
    near = {id(statement) for statement in _slice(tree, place.line)}
    for statement in _statements(tree):
        for node in _own_nodes(statement):
            pair = _pair(node)
            if pair is None:
                continue
            direct = [any(pattern(part) for part in ast.walk(side)) for side in pair]
            if id(statement) not in near and direct[0] == direct[1]:
                continue
            if direct[0] != direct[1]:
                found.append(node.lineno)  # type: ignore[attr-defined]
                continue
            sides = [set(_behind(tree, set(_names(side)))) for side in pair]
            for other in sides[0] ^ sides[1]:
                found.extend(_lines_that_fit(tree, other, pattern) if not _orders_a_set(other) else ())
    return Place(place.file, max(found), place.function) if found else None


# What makes a tensor, another type, or a part of some values, and leaves the values themselves as they are.
CASTS = frozenset(
    "tensor as_tensor from_numpy array asarray Tensor LongTensor FloatTensor float long int double to astype type numpy cpu "
    "cuda tolist list view reshape squeeze unsqueeze flatten ravel contiguous clone detach copy".split()
)


def target_line(place: Place | None) -> Place | None:
    """The line that last gave the targets their values, before the statement at ``place`` that uses them: the last of the
    arrays that a dataset is made of on the way there (``TensorDataset(x, y)``, ``zip(x, y)``), or the second argument at
    ``place`` itself (``loss(model(x), y)``), followed backwards through casts, parts and splits. None where there is no
    such pair, or nothing defines it.
    """
    tree = _parsed(place.file) if place is not None else None
    if tree is None or place is None:
        return None
    near = sorted((node for node in set(_slice(tree, place.line)) if node.lineno <= place.line), key=lambda node: -node.lineno)
    joined = [node for statement in near for node in _own_nodes(statement) if calls("TensorDataset", "zip")(node)]
    here = [statement for statement in near if place.line <= _end(statement)]
    compared = [node for statement in here for node in _own_nodes(statement) if isinstance(node, ast.Call)]
    targets = [node.args[-1] for node in joined if len(node.args) > 1]  # type: ignore[attr-defined]
    targets += [node.args[1] for node in compared if len(node.args) == 2 and _pair(node) is not None]
    name = next((base for target in targets if (base := _base(target))), None)
    line, found = place.line, None
    for _ in range(MOST_ROUNDS):
        if name is None:
            break
        stored = [(node, _value_of(node, name)) for node in _statements(tree) if name in set(_changed(node))]
        before = [item for item in stored if item[0].lineno < line and not hasattr(item[0], "body")]
        if not before:
            break
        statement, value = max(before, key=lambda item: item[0].lineno)
        line = found = statement.lineno
        name = _base(value) if value is not None else None
    return Place(place.file, found, place.function) if found is not None else None


def _base(node: ast.AST) -> str | None:
    """The one name whose values an expression has, but for their type and the part that is taken of them; None where they
    are computed.
    """
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        return f"self.{node.attr}"
    if isinstance(node, ast.Subscript):
        return _base(node.value)
    if isinstance(node, ast.Call) and calls(*CASTS)(node):
        method = isinstance(node.func, ast.Attribute) and _base(node.func.value) not in (None, "torch", "np", "numpy")
        if method:
            return _base(node.func.value)  # type: ignore[attr-defined]
        return _base(node.args[0]) if node.args else None
    return None


def _value_of(statement: ast.stmt, name: str) -> ast.expr | None:
    """What a statement assigns to a name as a whole; an array's part in a split; None where it changes a part of it."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target, value = statement.targets[0], statement.value
    if not isinstance(target, ast.Tuple):
        return value if _base(target) == name and not isinstance(target, ast.Subscript) else None
    names = [_base(item) for item in target.elts]
    if name not in names:
        return None
    position = names.index(name)
    if isinstance(value, ast.Tuple) and len(value.elts) == len(names):
        return value.elts[position]
    return value.args[position // 2] if _is_split(statement) else None  # type: ignore[attr-defined]


def _lines_that_fit(tree: ast.Module, statement: ast.stmt, pattern: Pattern) -> list[int]:
    """The statement's line if it fits; else lines that fit in the functions of the file that it calls."""
    if any(pattern(part) for part in _own_nodes(statement)):
        return [statement.lineno]
    called = {part.func.id for part in _own_nodes(statement) if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)}
    bodies = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in called]
    return [node.lineno for body in bodies for node in ast.walk(body) if pattern(node) and hasattr(node, "lineno")]


def _pair(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """The first two things that a call or a tuple puts together, where each is named or cut from something named."""
    items: list[ast.expr] = []
    if isinstance(node, ast.Call):
        items = list(node.args[:2])
    elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
        items = list(node.elts[:2])
    if len(items) < 2 or any(not isinstance(item, (ast.Name, ast.Subscript, ast.Attribute, ast.Call)) for item in items):
        return None
    names = [set(_names(item)) for item in items]
    return (items[0], items[1]) if all(names) and names[0] != names[1] else None


def _names(node: ast.AST) -> Iterator[str]:
    """Names whose values are used, without those of the functions that are called; what an object holds by its own name
    ("self.images"). A length says nothing of an order.
    """
    if isinstance(node, ast.Call):
        if calls("len")(node):
            return
        parts: list[ast.AST] = [*node.args, *(item.value for item in node.keywords)]
        if isinstance(node.func, ast.Attribute):
            parts.append(node.func.value)
        for part in parts:
            yield from _names(part)
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        yield f"self.{node.attr}"
    elif isinstance(node, ast.Name):
        yield node.id
    else:
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


def _orders_a_set(statement: ast.stmt) -> bool:
    """``sorted(set(labels))``: an order of names, not of rows."""
    return any(isinstance(node, ast.Call) and calls("set", "unique", "keys", "glob")(node) for node in _own_nodes(statement))


def _behind(tree: ast.Module, names: set[str]) -> Iterator[ast.stmt]:
    """Statements on which names depend: what stores them, and what that reads, and so on. Of ``a, b = c, d`` only what
    belongs together counts.
    """
    parts = [(node, stored, read) for node in _statements(tree) for stored, read in _assignments(node)]
    found: set[ast.stmt] = set()
    names, before = set(names), 0
    while len(names) + len(found) > before:
        before = len(names) + len(found)
        for node, stored, read in parts:
            if stored & names:
                found.add(node)
                names |= read
    yield from found


def _assignments(statement: ast.stmt) -> Iterator[tuple[set[str], set[str]]]:
    """What a statement stores, with what it reads for that."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
        tuples = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
        if tuples and len(target.elts) == len(value.elts):  # type: ignore[attr-defined]
            for one, other in zip(target.elts, value.elts, strict=True):  # type: ignore[attr-defined]
                yield set(_names(one)), set(_names(other))
            return
    yield set(_changed(statement)), set(_read(statement))


def _changed(statement: ast.stmt) -> Iterator[str]:
    """What a statement defines or changes in place; ``rng.shuffle(x)`` changes x, and of rng nothing that matters."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            yield from _names(target.value if isinstance(target, ast.Subscript) else target)
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        changed = [item.value if isinstance(item, ast.Subscript) else item for item in call.args[:1]]
        if isinstance(call.func, ast.Attribute) and not (calls("shuffle")(call) and call.args):
            changed.append(call.func.value)
        for item in changed:
            if isinstance(item, (ast.Name, ast.Attribute)) and not calls("print")(call):
                yield from _names(item)
    else:
        yield from _stores(statement)


def _read(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, (ast.For, ast.AsyncFor)):
        yield from _names(statement.iter)
    elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
        yield from _names(statement.value) if statement.value is not None else ()
    elif not hasattr(statement, "body"):
        yield from _names(statement)
    else:
        yield from _loads(statement)


def _slice(tree: ast.Module, line: int) -> Iterator[ast.stmt]:
    """Statements that define what the statement at ``line`` uses, and the bodies of functions and classes it uses."""
    statements = list(_statements(tree))
    bodies = {
        node.name: node
        for node in statements
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    }
    start = [node for node in statements if node.lineno <= line <= _end(node) and not hasattr(node, "body")]
    found: set[ast.stmt] = set(start)
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in statements
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    names = {name for node in start for name in _loads(node)} - imported
    for _ in range(MOST_ROUNDS):
        more = {node for node in statements if node not in found and names & set(_stores(node))}
        for name in names & bodies.keys():
            more.update(inner for inner in _statements(bodies[name]) if inner not in found)
        if not more:
            break
        found |= more
        names |= {name for node in more for name in _loads(node)} - imported
    yield from found


def _loads(statement: ast.stmt) -> Iterator[str]:
    for node in _own_nodes(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def _stores(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement defines or changes in place (``x[...] = ``, ``shuffle(x)``, ``x.clamp_(...)``)."""
    for node in _own_nodes(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, (ast.Subscript, ast.Attribute)) and isinstance(node.ctx, ast.Store):
            yield from (part.id for part in ast.walk(node.value) if isinstance(part, ast.Name))
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        yield from (
            part.id for argument in call.args for part in ast.walk(argument) if isinstance(part, ast.Name)
        )
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
            yield call.func.value.id
