"""How a program adds up a metric over the batches of an evaluation loop, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from paramedic.measurements.source import names_read, root_name

TRAINING_CALLS = frozenset({"backward", "step", "zero_grad"})
SUMS = frozenset({"sum", "count_nonzero", "nansum"})
MEANS = frozenset({"mean", "nanmean"})


@dataclass(frozen=True)
class WrongCount:
    """A sum over samples that is divided by something else; why: "batches", "another split", "the whole data set", or
    "full batches" (every batch counts as a full one, in the sum or in the divisor)."""

    line: int
    total: str
    divisor: str
    why: str


@dataclass(frozen=True)
class LastBatch:
    """A value of one batch that is read after the loop; line: where it is assigned; read: where it is read."""

    line: int
    name: str
    read: int


def evaluation_loops(tree: ast.AST, line: int) -> Iterator[ast.For]:
    """The innermost for loop that holds ``line`` and does no training."""
    loops = [
        node for node in ast.walk(tree)
        if isinstance(node, ast.For) and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    loop = max(loops, key=lambda node: node.lineno, default=None)
    if loop is not None and not _trains(loop):
        yield loop


def _trains(loop: ast.For) -> bool:
    called = {
        node.func.attr for node in ast.walk(loop) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    return bool(called & TRAINING_CALLS)


def block_after(tree: ast.AST, loop: ast.For) -> list[ast.stmt]:
    """The statements that run after ``loop``, up to the end of the enclosing function or outer loop body."""
    found: list[ast.stmt] = []
    inner: ast.AST = loop
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    while inner in parents:
        outer = parents[inner]
        for name in ("body", "orelse", "finalbody"):
            block = getattr(outer, name, None)
            if isinstance(block, list) and inner in block:
                found.extend(block[block.index(inner) + 1 :])  # type: ignore[arg-type]
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.For | ast.While | ast.Module):
            break
        inner = outer
    return found


def sample_sums(loop: ast.For) -> dict[str, int]:
    """Names that add up a sum over the samples of each batch (``total += (...).sum()``), with their lines."""
    found: dict[str, int] = {}
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name):
            called = {
                item.func.attr for item in ast.walk(node.value)
                if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute)
            }
            if called & SUMS and not called & MEANS and not _is_quotient(node.value):
                found[node.target.id] = node.lineno
    return found


def _is_quotient(node: ast.expr) -> bool:
    """Whether a value is itself divided: (...).sum() / len(x), also within .item() or float()."""
    while isinstance(node, ast.Call):
        inner = node.func.value if isinstance(node.func, ast.Attribute) else (node.args[0] if node.args else None)
        if inner is None:
            return False
        if isinstance(node.func, ast.Attribute) and node.func.attr in SUMS:
            return False
        node = inner
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)


def _length_of(node: ast.AST) -> ast.expr | None:
    """X of len(X)."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and len(node.args) == 1:
        return node.args[0]
    return None


def loader_datasets(tree: ast.AST) -> dict[str, str]:
    """Of every ``name = DataLoader(dataset, ...)``, the text of its dataset by name."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args:
            function = node.value.func
            called = function.attr if isinstance(function, ast.Attribute) else root_name(function)
            if called == "DataLoader":
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found[target.id] = ast.unparse(node.value.args[0])
    return found


def wrong_counts(tree: ast.Module, loop: ast.For, part: bool = False) -> Iterator[WrongCount]:
    """Divisions, after the loop, of sums over samples by the number of batches or by the size of another split.

    part: the loader gives only a part of its data set, so that the data set's length is wrong as well.
    """
    totals, over = sample_sums(loop), ast.unparse(loop.iter)
    datasets = loader_datasets(tree)
    for statement in block_after(tree, loop):
        for node in ast.walk(statement):
            if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.left, ast.Name)):
                continue
            counted = _length_of(node.right)
            if node.left.id not in totals or counted is None:
                continue
            text = ast.unparse(counted)
            others = {
                item for name, dataset in datasets.items() if name != over for item in (dataset, f"{name}.dataset")
            }
            if text == over and isinstance(loop.iter, ast.Name | ast.Attribute):
                yield WrongCount(node.lineno, node.left.id, f"len({text})", "batches")
            elif part and text in (f"{over}.dataset", datasets.get(over)):
                yield WrongCount(node.lineno, node.left.id, f"len({text})", "the whole data set")
            elif over in datasets and text in others and text not in (datasets[over], f"{over}.dataset"):
                yield WrongCount(node.lineno, node.left.id, f"len({text})", "another split")


def full_batch_counts(tree: ast.Module, loop: ast.For) -> Iterator[WrongCount]:
    """Sums that are divided after the loop, in which every batch counts with the same number of rows: the mean of a
    batch times a fixed size (``total += accuracy.mean() * batch_size``), or ``total / (len(loader) * batch_size)``."""
    weighted, totals, over = _weighted_means(loop), sample_sums(loop), ast.unparse(loop.iter)
    for statement in block_after(tree, loop):
        for node in ast.walk(statement):
            if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.left, ast.Name)):
                continue
            name, divisor = node.left.id, node.right
            if name in weighted and not _mentions_length(divisor, over):
                line, weight = weighted.pop(name)
                yield WrongCount(line, name, weight, "full batches")
            elif name in totals and isinstance(divisor, ast.BinOp) and isinstance(divisor.op, ast.Mult):
                if _mentions_length(divisor, over):
                    yield WrongCount(node.lineno, name, ast.unparse(divisor), "full batches")


def _mentions_length(node: ast.expr, over: str) -> bool:
    return any(found is not None and ast.unparse(found) == over for found in map(_length_of, ast.walk(node)))


def _weighted_means(loop: ast.For) -> dict[str, tuple[int, str]]:
    """Names that add up the mean of each batch times something that no batch changes: line, and that something."""
    changing = {item.id for item in ast.walk(loop) if isinstance(item, ast.Name) and isinstance(item.ctx, ast.Store)}
    averaged = {
        target.id
        for node in ast.walk(loop)
        if isinstance(node, ast.Assign) and _calls_of(node.value) & MEANS
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found: dict[str, tuple[int, str]] = {}
    for node in ast.walk(loop):
        if not (isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add) and isinstance(node.target, ast.Name)):
            continue
        product = node.value
        if not (isinstance(product, ast.BinOp) and isinstance(product.op, ast.Mult)):
            continue
        for value, weight in ((product.left, product.right), (product.right, product.left)):
            mean = bool(_calls_of(value) & MEANS or names_read(value) & averaged)
            fixed = names_read(weight) and not names_read(weight) & changing and not _calls_of(weight)
            if mean and fixed and not any(isinstance(item, ast.Call) for item in ast.walk(weight)):
                found[node.target.id] = (node.lineno, ast.unparse(weight))
    return found


def _calls_of(node: ast.AST) -> set[str]:
    return {
        item.func.attr
        for item in ast.walk(node)
        if isinstance(item, ast.Call) and isinstance(item.func, ast.Attribute)
    }


def last_batches(tree: ast.Module, loop: ast.For) -> Iterator[LastBatch]:
    """Names assigned from a batch in the loop, collected nowhere, and read after it in a number that is reported."""
    assigned = _plain_assignments(loop)
    collected = _collected(loop)
    pending = {name: line for name, line in assigned.items() if name not in collected}
    for statement in block_after(tree, loop):
        for name in [item for item in pending if item in _reduced_names(statement)]:
            yield LastBatch(pending.pop(name), name, statement.lineno)
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                pending.pop(node.id, None)


def _plain_assignments(loop: ast.For) -> dict[str, int]:
    """Names assigned in the body from values of the batch, without reading themselves."""
    batch = {node.id for node in ast.walk(loop.target) if isinstance(node, ast.Name)}
    found: dict[str, int] = {}
    for node in ast.walk(loop):
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            name, read = node.targets[0].id, names_read(node.value)
            if read & (batch | set(found)) and name not in read:
                found[name] = node.lineno
    return found


def _collected(loop: ast.For) -> set[str]:
    """Names that are added up, appended, yielded or returned within the loop."""
    found: set[str] = set()
    for node in ast.walk(loop):
        if isinstance(node, ast.AugAssign):
            found |= names_read(node.value) | {item.id for item in ast.walk(node.target) if isinstance(item, ast.Name)}
        elif isinstance(node, ast.Expr):
            found |= names_read(node.value)
        elif isinstance(node, ast.Assign) and any(isinstance(item, ast.Subscript) for item in node.targets):
            found |= names_read(node.value)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id in names_read(node.value):
                found |= names_read(node.value)
        elif isinstance(node, ast.Break | ast.Return):
            return {item.id for item in ast.walk(loop) if isinstance(item, ast.Name)}
    return found


def _reduced_names(statement: ast.stmt) -> set[str]:
    """Names that are divided, or reduced to a number (mean, sum), in a statement."""
    found: set[str] = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and isinstance(node.left, ast.Name):
            found.add(node.left.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SUMS | MEANS:
            root = root_name(node.func.value)
            found |= {root} if root is not None else set()
    return found
