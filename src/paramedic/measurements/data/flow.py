"""Which values of a tape are the input of the model, its prediction, and the target it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from paramedic.trace.tape import Leaf, Node, Ref, Tape, flatten

# Arguments by which models that compute their own loss take the labels (the convention of transformers).
TARGET_KEYWORDS = ("labels", "label", "targets", "target")


@dataclass(frozen=True)
class Flow:
    """Numbers of values of one tape.

    inputs: constants that enter the model, in the order of its arguments. prediction, target: the two values that
    the loss function ``loss`` ("cross_entropy", "mse_loss", or an arithmetic operation such as "sub") compares;
    target is a constant, and None where the loss compares with the input or with nothing.
    node: the model's call.
    """

    inputs: tuple[int, ...]
    prediction: int | None
    target: int | None
    loss: str | None
    node: Node


def batch_flow(tape: Tape, model: nn.Module | None = None) -> Flow | None:
    """How the batch of a tape goes through ``model`` (the first module with parameters where None) to the loss.

    None where the model is not called with a constant on this tape.
    """
    node = next(_calls(tape, model), None)
    if node is None:
        return None
    constants = tape.constants()
    inputs = tuple(number for number in node.inputs() if _is_batch(constants.get(number)))
    if not inputs:
        inputs = tuple(number for number in _ancestors(tape, node) if _is_batch(constants.get(number)))
    if not inputs:
        return None
    target = _keyword_target(node, constants)
    if target is not None:
        inputs = tuple(number for number in inputs if number != target)
        return Flow(inputs, None, target, None, node) if inputs else None
    join = _join(tape, inputs)
    if join is None:
        return Flow(inputs, None, None, None, node)
    prediction, target, name = join
    return Flow(inputs, prediction, None if target in inputs else target, name, node)


def is_loss_name(name: str) -> bool:
    """Whether torch.nn.functional calls a loss by this name."""
    return name.endswith("_loss") or "cross_entropy" in name or name == "kl_div"


def _is_batch(leaf: Leaf | None) -> bool:
    """A sparse tensor says what is connected with what: it has no rows that could be looked at."""
    return leaf is not None and leaf.value.dim() >= 1 and leaf.value.numel() > 1 and leaf.value.layout == torch.strided


def _has_parameters(module: nn.Module | None) -> bool:
    return module is not None and next(module.parameters(), None) is not None


def _calls(tape: Tape, model: nn.Module | None) -> Iterator[Node]:
    for node in tape.module_calls():
        module = node.module
        if _has_parameters(module) and (model is None or module is model or _wraps(module, model)):
            yield node


def _wraps(module: nn.Module | None, model: nn.Module) -> bool:
    return module is not None and any(child is model for child in module.modules())


def _ancestors(tape: Tape, node: Node) -> list[int]:
    """Numbers that the node's arguments were computed from by functions, in no particular order."""
    wanted = set(node.inputs())
    for earlier in reversed(tape.nodes[: tape.nodes.index(node)]):
        if earlier.module is None and wanted.intersection(
            number for number in earlier.outputs if number is not None
        ):
            wanted.update(earlier.inputs())
    return sorted(wanted)


def _keyword_target(node: Node, constants: dict[int, Leaf]) -> int | None:
    for keyword in TARGET_KEYWORDS:
        value = node.kwargs.get(keyword)
        if isinstance(value, Ref) and _is_batch(constants.get(value.index)):
            return value.index
    return None


def _join(tape: Tape, inputs: tuple[int, ...]) -> tuple[int, int, str] | None:
    """The node where what comes out of modules meets a constant on the way to the loss: a loss function if any."""
    computed: set[int] = set()
    found: list[tuple[int, int, str]] = []
    feeds = _numbers_that_feed_modules(tape)
    rows = tape.leaves[inputs[0]].value.shape[0]
    for node in tape.nodes:
        outputs = {number for number in node.outputs if number is not None}
        if node.module is not None and _has_parameters(node.module):
            computed |= outputs
            continue
        if not computed.intersection(node.inputs()):
            continue
        computed |= outputs
        constant = _compared_with(node, tape, computed, rows)
        prediction = next((number for number in node.inputs() if number in computed), None)
        if constant is not None and prediction is not None and not outputs & feeds:
            found.append((prediction, constant, node.name))
    return next((item for item in found if is_loss_name(item[2])), found[0] if found else None)


def _numbers_that_feed_modules(tape: Tape) -> set[int]:
    """Numbers from which a later call of a module with parameters is computed."""
    feeds: set[int] = set()
    for node in reversed(tape.nodes):
        outputs = {number for number in node.outputs if number is not None}
        if _has_parameters(node.module) or outputs & feeds:
            feeds.update(node.inputs())
    return feeds


def _compared_with(node: Node, tape: Tape, computed: set[int], rows: int) -> int | None:
    constants = tape.constants()

    def fits(number: int) -> bool:
        leaf = constants.get(number)
        return (
            number not in computed and _is_batch(leaf) and leaf is not None and leaf.value.numel() % rows == 0
        )

    if is_loss_name(node.name):
        second = node.kwargs.get("target", node.args[1] if len(node.args) > 1 else None)
        candidates: list[int] = [item.index for item in flatten(second) if isinstance(item, Ref)]
        return next((number for number in candidates if _is_batch(constants.get(number))), None)
    return next((number for number in node.inputs() if fits(number)), None)


def rows_of(value: Tensor, batch: int) -> Tensor | None:
    """``value`` with ``batch`` rows: as it is, or cut where a flattened value has a multiple of them."""
    if value.dim() and value.shape[0] == batch:
        return value
    if value.dim() and batch and value.shape[0] % batch == 0:
        return value.reshape(batch, value.shape[0] // batch, *value.shape[1:])
    return None
