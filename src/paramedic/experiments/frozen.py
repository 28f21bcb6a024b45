"""Layers that were frozen at what looks like their random initialization, below trained ones."""

from __future__ import annotations

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.implementation.wiring import (
    Named,
    distinct_tapes,
    initial_value,
    registered,
    unchanged,
)
from paramedic.measurements.training.freshness import looks_fresh
from paramedic.trace.setup import parameters_of


def frozen_below_trained(case: Case) -> list[Named]:
    """Frozen, unchanged matrices whose results trained layers read (or that stand on trained layers alone)."""
    candidates = {
        key: item
        for key, item in registered(case).items()
        if _was_frozen(case, item.tensor) and item.tensor.dim() > 1 and unchanged(case, item.tensor)
        and looks_fresh(item.tensor) and not _constant(item.tensor)
    }
    if not candidates:
        return []
    feeding: set[int] = set()
    chosen = distinct_tapes(case)
    for index, record in enumerate(case.lab.backwards):
        if any(record is item for item in chosen):
            feeding |= _feeding_trained(case, index, set(candidates))
    return [item for key, item in candidates.items() if key in feeding]


def frozen_with_a_copy(case: Case) -> list[Named]:
    """Frozen matrices that an optimizer holds, and that another module of the model's class shares: the steps call it
    without gradients, as they do with a copy that is to stay as it was.
    """
    held = {id(item) for record in case.setup.optimizers if record.steps for item in parameters_of(record.optimizer)}
    candidates = {
        key: item
        for key, item in registered(case).items()
        if key in held and _was_frozen(case, item.tensor) and item.tensor.dim() > 1 and unchanged(case, item.tensor)
    }
    shared: set[int] = set()
    for record in distinct_tapes(case) if candidates else ():
        calls = record.tape.module_calls() if record.tape is not None else []
        called = [node.module for node in calls if node.module is not None and node.grad_enabled]
        trained = [module for item in called for module in item.modules()]
        for node in calls:
            copies = [item for item in trained if item is not node.module and type(item) is type(node.module)]
            if node.module is not None and not node.grad_enabled and copies:
                own = {id(item) for copy in copies for item in copy.parameters()}
                shared |= own & {id(item) for item in node.module.parameters()}
    return [item for key, item in candidates.items() if key in shared]


def _was_frozen(case: Case, tensor: Tensor) -> bool:
    for (live, _), wanted in zip(case.setup.initial.tensors, case.setup.initial.wanted, strict=True):
        if live is tensor:
            return not wanted and not tensor.requires_grad
    return False


def _constant(tensor: Tensor) -> bool:
    return bool((tensor == tensor.flatten()[0]).all())


def _feeding_trained(case: Case, index: int, candidates: set[int]) -> set[int]:
    """Those of the candidates that a trained parameter is applied after, or that are applied to trained values only."""
    marks: dict[int, set[int]] = {}
    feeding: set[int] = set()
    on_trained: dict[int, bool] = {}
    for call in case.lab.operations(index).calls:
        inherited: set[int] = set().union(*(marks.get(id(item), set()) for item in call.inputs))
        own = {id(item) for item in call.inputs} & candidates
        trains = any(item.is_leaf and item.requires_grad for item in call.inputs)
        if trains:
            feeding |= inherited | own
        others = [item for item in call.inputs if id(item) not in candidates and item.is_floating_point()]
        for key in own:
            computed = any(item.requires_grad and not item.is_leaf for item in others)
            on_trained[key] = on_trained.get(key, True) and computed
        for item in call.outputs:
            marks[id(item)] = inherited | own
    return feeding | {key for key, value in on_trained.items() if value}


def same_layers(case: Case, frozen: list[Named]) -> list[Tensor]:
    """All frozen parameters of the modules that hold the matrices: their biases too."""
    modules = {id(item.module) for item in frozen}
    return [
        item.tensor
        for item in registered(case).values()
        if id(item.module) in modules and not item.tensor.requires_grad and initial_value(case, item.tensor) is not None
    ]
