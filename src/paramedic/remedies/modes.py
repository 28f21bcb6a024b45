"""``model.train()`` before training, ``model.eval()`` before validation."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.objects import (
    LOOPS,
    in_scope,
    line,
    method_calls,
    model_of,
    optimizers,
    training_loop,
)
from paramedic.remedies.source import NoPatch, Source

CHECKS = ("training-in-eval-mode", "validating-in-train-mode")
NO_GRADIENTS = ("no_grad", "inference_mode")


def rewrite(source: Source, finding: Finding) -> None:
    if finding.check == "training-in-eval-mode":
        _train(source)
    else:
        _evaluate(source, line(finding))


def _name(source: Source, at: cst.CSTNode) -> str:
    """The model's name where it can be read at a statement."""
    switched = [receiver for kind in ("eval", "train") for receiver, _, _ in method_calls(source, kind)]
    given = []
    for optimizer in optimizers(source):
        try:
            given.append(model_of(source, optimizer))
        except NoPatch:
            continue
    names = [name for name in dict.fromkeys([*switched, *given]) if _readable(source, name, at)]
    if not names:
        raise NoPatch("the model has no name there")
    if len(names) > 1 and len(set(given)) > 1:
        raise NoPatch("several models")
    return names[0]


def _readable(source: Source, name: str, at: cst.CSTNode) -> bool:
    if name.startswith("self."):
        return source.outer(at, cst.ClassDef) is not None
    return in_scope(source, name, at)


def _train(source: Source) -> None:
    """In front of the loop over the batches, so that it runs in every epoch."""
    loop = training_loop(source)
    source.before(loop, f"{_name(source, loop)}.train()")


def _evaluate(source: Source, at: int) -> None:
    """In front of the outermost no_grad block or loop of the validation; train() goes in front of the training loop."""
    statement: cst.CSTNode | None = source.statement(at)
    if statement is None:
        raise NoPatch("the validation is not a plain statement")
    start = _start_of_validation(source, statement)
    name = _name(source, start)
    source.before(start, f"{name}.eval()")  # type: ignore[arg-type]
    if not any(receiver == name for receiver, _, _ in method_calls(source, "train")):
        loop = training_loop(source)
        source.before(loop, f"{_name(source, loop)}.train()")


def _start_of_validation(source: Source, statement: cst.CSTNode) -> cst.CSTNode:
    """Outwards from the forward pass: over with blocks and loops that hold no training; not out of a function."""
    start = statement
    while True:
        block = source.parent(start)
        above = source.parent(block) if block is not None else None
        if not isinstance(above, (cst.With, *LOOPS, cst.If)) or _trains(source, above):
            break
        start = above
    function = source.outer(start, cst.FunctionDef)
    if function is None:
        return start
    if _trains(source, function):
        block = source.parent(start)
        of_both = start is statement and block is not None and source.parent(block) is function
        return _without_gradients(source, function) if of_both else start
    body = function.body
    if isinstance(body, cst.IndentedBlock) and isinstance(body.body[0], (cst.SimpleStatementLine, cst.With, cst.For)):
        return body.body[0]
    return start


def _without_gradients(source: Source, function: cst.FunctionDef) -> cst.CSTNode:
    """The block without gradients that a function is called in: its own statements are run in training as well."""
    blocks: list[cst.CSTNode] = []
    for call in source.calls():
        block = source.outer(call, cst.With) if source.called(call) == function.name.value else None
        if block is not None and any(word in source.code(item) for item in block.items for word in NO_GRADIENTS):
            blocks.append(block)
    if len(set(map(id, blocks))) != 1:
        raise NoPatch("training and validation share the function, and where the validation begins is not known")
    return blocks[0]


def _trains(source: Source, node: cst.CSTNode) -> bool:
    return any(True for _ in method_calls(source, "backward", node)) or any(
        source.called(call) == "backward" for call in source.calls(within=node)
    )
