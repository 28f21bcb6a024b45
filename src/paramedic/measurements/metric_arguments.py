"""What a metric of scikit-learn is given, read from the source: predictions or targets, scores or decisions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from paramedic.measurements.source import function_at, names_read

# Metrics that are others with their first two arguments exchanged: targets come first (scikit-learn, "Model evaluation").
ORDERED = frozenset(
    "r2_score explained_variance_score roc_auc_score average_precision_score log_loss brier_score_loss precision_score "
    "recall_score mean_absolute_percentage_error d2_absolute_error_score precision_recall_curve roc_curve "
    "classification_report mean_poisson_deviance mean_gamma_deviance ndcg_score top_k_accuracy_score".split()
)
RANKED = frozenset("roc_auc_score average_precision_score roc_curve precision_recall_curve ndcg_score".split())  # of scores
DECIDING = frozenset("argmax round round_ rint heaviside sign".split())
WHOLE = frozenset("int long int8 int32 int64 uint8 bool bool_ int_".split())
ORDERS = (ast.Gt, ast.GtE, ast.Lt, ast.LtE)
MOST_ROUNDS = 20  # of following names through assignments


@dataclass(frozen=True)
class Misused:
    """A call of a metric. why: "swapped" or "decided"; decided: the line where scores become decisions."""

    line: int
    metric: str
    why: str
    decided: int | None = None


def misused_metrics(tree: ast.Module, called: int) -> Iterator[Misused]:
    """Calls of metrics in the function (or the module's own statements) in which the network is called at line ``called``."""
    scope: ast.AST = function_at(tree, called) or tree
    statements = [node for node in _own(scope) if isinstance(node, ast.stmt)]
    first = [item for item in statements if item.lineno <= called <= (item.end_lineno or 0) and not hasattr(item, "body")]
    predicted = {name for item in first for name, value in _stores(item) if _calls(value)}
    decided: dict[str, int] = {}
    for _ in range(MOST_ROUNDS):
        before = len(predicted) + len(decided)
        for item in statements:
            for name, value in _stores(item):
                read = names_read(value) & predicted
                if not read and not (item in first and _calls(value)):
                    continue
                predicted.add(name)
                if _decides(value) or read and read <= decided.keys():
                    decided.setdefault(name, item.lineno)
        if len(predicted) + len(decided) == before:
            break
    for item in statements:
        for node in _of_statement(item):
            if isinstance(node, ast.Call) and len(node.args) >= 2 and _name(node) in ORDERED:
                yield from _judged(node, predicted, decided)


def _judged(call: ast.Call, predicted: set[str], decided: dict[str, int]) -> Iterator[Misused]:
    one, other = (names_read(item) for item in call.args[:2])
    if one & predicted and other and not other & predicted:
        yield Misused(call.lineno, _name(call), "swapped")
    elif other & predicted and not one & predicted and _name(call) in RANKED:
        names = other & predicted
        if _decides(call.args[1]):
            yield Misused(call.lineno, _name(call), "decided", call.lineno)
        elif names <= decided.keys():
            yield Misused(call.lineno, _name(call), "decided", min(decided[name] for name in names))


def _decides(value: ast.AST) -> bool:
    """Whether an expression makes decisions of scores: a comparison, an argmax, a rounding, whole numbers."""
    for node in ast.walk(value):
        if isinstance(node, ast.Compare) and any(isinstance(kind, ORDERS) for kind in node.ops):
            return True
        method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if isinstance(node, ast.Call) and _name(node) in (DECIDING | WHOLE if method else DECIDING):
            return True
        if isinstance(node, ast.Call) and _name(node) in ("astype", "to", "type"):
            kinds = {getattr(item, "attr", getattr(item, "id", None)) for item in node.args}
            if kinds & WHOLE:
                return True
    return False


def _calls(value: ast.AST) -> bool:
    return any(isinstance(node, ast.Call) for node in ast.walk(value))


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a function, or of a module's own statements, without those of the functions and classes in it."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def _of_statement(statement: ast.stmt) -> Iterator[ast.AST]:
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.stmt))


def _stores(statement: ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    """Names that a statement gives a value, with what it is made of; ``a, b = f(x), y`` in pairs; ``values.append(x)``."""
    if isinstance(statement, ast.Assign):
        for target in statement.targets:
            if isinstance(target, (ast.Tuple, ast.List)):
                values = statement.value.elts if isinstance(statement.value, (ast.Tuple, ast.List)) else []
                paired = len(values) == len(target.elts)
                for number, item in enumerate(target.elts):
                    if isinstance(item, ast.Name):
                        yield item.id, values[number] if paired else statement.value
            elif isinstance(target, ast.Name):
                yield target.id, statement.value
            elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                yield target.value.id, statement.value
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)) and isinstance(statement.target, ast.Name):
        if statement.value is not None:
            yield statement.target.id, statement.value
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        call = statement.value
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.args:
            if call.func.attr in ("append", "extend"):
                yield call.func.value.id, call.args[0]
