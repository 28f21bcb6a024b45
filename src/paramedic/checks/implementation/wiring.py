"""Which parameters there are, which the loss reaches, and which an optimizer updates: exact sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.measurements.training.freshness import looks_fresh
from paramedic.trace.place import Place
from paramedic.trace.setup import BackwardRecord, OptimizerRecord, OptimizerStep, parameters_of

MOST_TAPES = 12  # differentiated per state; one of each kind and some spread over the recorded steps
MEASURED_STEPS = 16  # the capture looks at gradients before backward and at step this many times
# What a part of the network that does not learn brings about in other rows.
SYMPTOMS = ("R33", "R35", "R36", "R31", "R24", "R28", "R11", "R29", "R30", "R17", "R02", "R20", "R05", "S5", "R27")


@dataclass(frozen=True)
class Named:
    """A parameter with its dotted name ("net.0.weight") and the module that holds it."""

    name: str
    tensor: Tensor
    module: nn.Module
    root: nn.Module

    @property
    def layer(self) -> str:
        return self.name.rpartition(".")[0]


@dataclass(eq=False)
class Wiring:
    """Sets of parameters by ``id``.

    registered: all parameters of the models that were called in training. reached: those that got a gradient in
    some recorded backward call; nonzero: where it was not exactly zero. loose: other leaves of the graphs.
    stepped: those in an optimizer that made a step; held: those in any optimizer.
    """

    registered: dict[int, Named] = field(default_factory=dict)
    reached: set[int] = field(default_factory=set)
    nonzero: set[int] = field(default_factory=set)
    loose: dict[int, Tensor] = field(default_factory=dict)
    stepped: set[int] = field(default_factory=set)
    held: set[int] = field(default_factory=set)


def wiring(case: Case) -> Wiring:
    """The facts of a case, from its recorded backward calls run again; computed once."""
    known = getattr(case, "_wiring", None)
    if known is None:
        known = case._wiring = _measure(case)  # type: ignore[attr-defined]
    return known


def _measure(case: Case) -> Wiring:
    found = Wiring(registered=registered(case))
    for record in case.setup.optimizers:
        own = {id(p) for p in optimizer_parameters(record)}
        found.held |= own
        if record.steps:
            found.stepped |= own
    if case.lab.why_not_replayable() is None:
        for state in ("initial", "final"):
            for backward in distinct_tapes(case):
                _differentiate(case, backward, state, found)
    return found


def registered(case: Case) -> dict[int, Named]:
    """Parameters of all recorded models (of the whole model where the program calls a part of it)."""
    found: dict[int, Named] = {}
    for record in case.setup.models:
        root = record.owner if record.owner is not None else record.module
        top = record.name.partition(".")[0] if record.owner is not None else record.name
        for path, module in root.named_modules():
            for name, parameter in module.named_parameters(recurse=False):
                full = ".".join(filter(None, (top, path, name)))
                found.setdefault(id(parameter), Named(full, parameter, module, root))
    return found


def optimizer_parameters(record: OptimizerRecord) -> list[Tensor]:
    """What an optimizer held at its construction or holds at the end."""
    return list({id(p): p for p in [*record.parameters, *parameters_of(record.optimizer)]}.values())


def distinct_tapes(case: Case) -> list[BackwardRecord]:
    """Recorded backward calls that differ in kind, and some of the same kind from the beginning to the end."""
    records = case.lab.backwards
    kinds: dict[Any, BackwardRecord] = {}
    for record in records:
        assert record.tape is not None
        kinds.setdefault(tuple((node.name, id(node.module)) for node in record.tape.nodes), record)
    chosen = list(kinds.values())[: MOST_TAPES - 4]
    spread = [records[round(share * (len(records) - 1))] for share in (0.33, 0.66, 1.0)] if records else []
    return chosen + [item for item in spread if not any(item is other for other in chosen)]


def _differentiate(case: Case, record: BackwardRecord, state: str, found: Wiring) -> None:
    assert record.tape is not None
    with case.lab.at(state):
        try:
            loss = record.tape.loss()
            leaves = graph_leaves(loss)
            for item in leaves:
                item.grad = None
            loss.sum().backward()
        except Exception:  # the final state may have other shapes or flags
            return
        constants = {id(leaf.value) for leaf in record.tape.constants().values()}
        tensors = {id(p): p for p in leaves} | {key: item.tensor for key, item in found.registered.items()}
        for key, tensor in tensors.items():
            if tensor.grad is None or key in constants:
                continue
            found.reached.add(key)
            if tensor.grad.is_sparse or bool(tensor.grad.ne(0).any()):
                found.nonzero.add(key)
            if key not in found.registered:
                found.loose[key] = tensor
        for tensor in leaves:
            tensor.grad = None


def graph_leaves(root: Tensor) -> list[Tensor]:
    """The leaf tensors of an autograd graph."""
    leaves: dict[int, Tensor] = {}
    seen: set[Any] = set()
    stack = [root.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if isinstance(variable, Tensor) and type(node).__name__ == "AccumulateGrad":
            leaves[id(variable)] = variable
        stack.extend(child for child, _ in node.next_functions)
    return list(leaves.values())


def initial_value(case: Case, tensor: Tensor) -> Tensor | None:
    """The value before the first update, if it was kept."""
    return next((value.to(live.device) for live, value in case.setup.initial.tensors if live is tensor), None)


# A fresh parameter's version counts the writes of its initialization; an update by hand raises it in every step.
UNTOUCHED_VERSION = 8
UNUSED_SHARE = 0.05  # of the weights: a smaller leftover layer is a note


def unchanged(case: Case, tensor: Tensor) -> bool:
    """Whether a parameter still has the value that it had before the first update."""
    before = initial_value(case, tensor)
    if before is None:
        return tensor._version <= UNTOUCHED_VERSION
    return before.shape == tensor.shape and bool(torch.equal(before, tensor.detach()))


def learned(case: Case, tensors: Iterable[Tensor]) -> bool:
    """Whether a group of parameters came with values from an earlier training.

    ``load_state_dict`` wrote to one of them, an optimizer of an earlier part of the program held one, or most of its
    matrices no longer look like a random draw.
    """
    tensors = list(tensors)
    if any(case.setup.was_loaded(tensor) for tensor in tensors):
        return True
    values = [initial_value(case, tensor) for tensor in tensors]
    verdicts = [looks_fresh(live if value is None else value) for live, value in zip(tensors, values, strict=True)]
    judged = [item for item in verdicts if item is not None]
    return bool(judged) and sum(not item for item in judged) > len(judged) / 2


def by_owner(items: Iterable[Named]) -> dict[nn.Module, list[Named]]:
    """Groups by model."""
    groups: dict[nn.Module, list[Named]] = {}
    for item in items:
        groups.setdefault(item.root, []).append(item)
    return groups


def layer_names(items: Iterable[Named], most: int = 4) -> str:
    """"net.0, net.2 and 5 more"."""
    names = list(dict.fromkeys(item.layer or item.name for item in items))
    shown = ", ".join(names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def common_path(items: Iterable[Named]) -> str | None:
    """The dotted path that all parameters share."""
    paths = [item.layer.split(".") for item in items]
    if not paths:
        return None
    shared: list[str] = []
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    return ".".join(shared) or None


def weight_share(part: Iterable[Tensor], whole: Iterable[Tensor]) -> float:
    """Share of the elements of ``whole`` that are in ``part``."""
    total = sum(tensor.numel() for tensor in whole)
    return sum(tensor.numel() for tensor in part) / total if total else 0.0


def steps_of(case: Case) -> Iterator[OptimizerStep]:
    """The recorded optimizer steps."""
    for step in case.setup.steps:
        for event in step:
            if isinstance(event, OptimizerStep):
                yield event


def measured_steps(case: Case) -> list[OptimizerStep]:
    """The optimizer steps at which gradients were looked at."""
    return list(steps_of(case))[:MEASURED_STEPS]


def step_place(case: Case, optimizer: int | None = None) -> Place | None:
    """Where an optimizer makes its step."""
    for event in steps_of(case):
        if optimizer is None or event.optimizer == optimizer:
            return event.place
    return None


def main_optimizer(case: Case) -> OptimizerRecord | None:
    """The optimizer with the most steps."""
    stepping = [record for record in case.setup.optimizers if record.steps]
    return max(stepping, key=lambda record: record.steps, default=None)
