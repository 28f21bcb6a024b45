"""Exact facts, mended in a replay: what every other cause is sought on top of.

A repair is an intervention made from a finding. It is tried once before it is used: a repaired step must run, and
give a finite loss with a gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from paramedic.checks.case import Case
from paramedic.checks.check import NotChecked
from paramedic.checks.finding import Finding
from paramedic.checks.implementation.custom_functions import functions_of
from paramedic.checks.implementation.loss_inputs import (
    LossInput,
    class_axis,
    loss_indices,
    loss_inputs,
    made_at,
    maker_of,
)
from paramedic.checks.implementation.parameters_not_optimized import left_out
from paramedic.checks.implementation.shape_broadcast_in_loss import broadcast
from paramedic.checks.implementation.wiring import learned
from paramedic.checks.training.modes import mode_dependent
from paramedic.experiments.frozen import frozen_below_trained, same_layers
from paramedic.experiments.interventions import ConstantRate, NoPenalty, Remedy, StandardInitialization
from paramedic.experiments.lab import Lab, row_constants
from paramedic.experiments.loss_components import balanced
from paramedic.experiments.operations import Operation, operation_name
from paramedic.experiments.pairs import turned_round
from paramedic.experiments.parameters_not_registered import unregistered
from paramedic.experiments.train_also import TrainAlso
from paramedic.trace.setup import BackwardRecord, GradientEdit, OptimizerStep, StepEvent, ZeroGrad
from paramedic.trace.tape import Node, Tape

SQUASHING = frozenset({"softmax", "gumbel_softmax", "sigmoid", "log_softmax", "softmin"})
LEAST_PROBABILITY = 1e-30  # its logarithm is taken where a loss got probabilities that are no longer known as logits

# Faults of evaluation alone, and a penalty that has no effect: training goes on as without them, so that they stand in
# no other cause's way.
ONLY_EVALUATION = frozenset(
    {"validating-in-train-mode", "stale-batchnorm-statistics", "always-on-dropout", "argmax-over-wrong-dimension",
     "penalty-without-gradient"}
)

Edit = Callable[[Any, tuple[Any, ...], dict[str, Any]], Any]


class Repair(Remedy):
    """Mends what the finding of ``cause`` (a check's name) states."""

    def __init__(self, cause: str, changes: str) -> None:
        self.cause = self.name = cause
        self.changes = changes


# -- operations of the step ----------------------------------------------------------------------------------------


class EditedOperations(Repair):
    """Some operations of the step are done otherwise.

    edits: per kind of step (the names of its nodes), by the operation's name and a call's ordinal among the calls of that
    name, what is done in its place.
    """

    defines_loss = True

    def __init__(self, cause: str, changes: str) -> None:
        super().__init__(cause, changes)
        self.edits: dict[tuple[str, ...], dict[str, dict[int, Edit]]] = {}

    def add(self, lab: Lab, index: int, call: Operation, edit: Edit) -> None:
        """Edit ``call``, one of the operations of the ``index``-th recorded loss."""
        tape = lab.backwards[index].tape
        assert tape is not None
        same = [item for item in lab.operations(index).calls if item.name == call.name]
        ordinal = next((number for number, item in enumerate(same) if item is call), None)
        if ordinal is None:
            raise NotChecked("the results of this step were too large to be kept")
        self.edits.setdefault(kind_of(tape), {}).setdefault(call.name, {})[ordinal] = edit

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        edits = self.edits.get(kind_of(tape))
        if not edits:
            return {}
        mode = _Editing(edits)

        def around(node: Node, call: Callable[[], Any]) -> Any:
            if node is tape.nodes[0]:
                mode.seen.clear()
            with mode:
                return call()

        return {"around": around}


def kind_of(tape: Tape) -> tuple[str, ...]:
    return tuple(node.name for node in tape.nodes)


class _Editing(TorchFunctionMode):
    def __init__(self, edits: dict[str, dict[int, Edit]]) -> None:
        super().__init__()
        self.edits, self.seen = edits, dict[str, int]()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = operation_name(func)
        if name in self.edits:
            number = self.seen[name] = self.seen.get(name, -1) + 1
            edit = self.edits[name].get(number)
            if edit is not None:
                return edit(func, args, kwargs)
        return func(*args, **kwargs)


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """The first argument."""
    return args[0] if args else kwargs["input"]  # type: ignore[no-any-return]


def passed_on(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The argument in the place of the result. An activation in place may be written to afterwards: a new tensor."""
    return _given(args, kwargs) * 1


def _exp(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return func(*args, **kwargs).exp()


def _with_input(change: Callable[[Tensor], Tensor]) -> Edit:
    """Calls the function with another first argument."""

    def edit(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args:
            return func(change(args[0]), *args[1:], **kwargs)
        return func(**kwargs | {"input": change(kwargs["input"])})

    return edit


def _same_shapes(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The side without a gradient gets the shape of the other."""
    args, kwargs = list(args), dict(kwargs)  # type: ignore[assignment]
    slots: list[tuple[Any, Any]] = [(args, key) for key in range(len(args))] + [(kwargs, key) for key in kwargs]
    sides = [slot for slot in slots if isinstance(slot[0][slot[1]], Tensor)][:2]
    if len(sides) == 2:
        one, other = (held[key] for held, key in sides)
        held, key = sides[0] if other.requires_grad and not one.requires_grad else sides[1]
        shape = one.shape if held[key] is other else other.shape
        if held[key].numel() == torch.Size(shape).numel():
            held[key] = held[key].reshape(shape)
    return func(*args, **kwargs)


def _over(dim: int) -> Edit:
    def edit(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        name = operation_name(func)
        function = {"log_softmax": torch.log_softmax}.get(name, torch.softmax)
        return function(_given(args, kwargs), dim)

    return edit


def _sigmoid(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    given = torch.sigmoid(_given(args, kwargs))
    return given.log() if operation_name(func) == "log_softmax" else given


def _inputs_at(case: Case, finding: Finding, names: Sequence[str] = ()) -> list[LossInput]:
    """The loss inputs that a finding speaks of: made, or compared, at its place."""
    own = [item for item in loss_inputs(case) if not names or item.call.name in names]
    here = [
        item for item in own
        if finding.where in (item.call.place, item.maker.place if item.maker is not None else None)
        or (item.maker is not None and finding.where == made_at(case, item.maker))
    ]
    return here or own


def _stripped(case: Case, finding: Finding) -> Remedy | None:
    """The activation in front of the loss left out; what was made in another way is turned back into logits."""
    repair = EditedOperations(finding.check, "the last activation before the loss left out")
    for item in _inputs_at(case, finding):
        maker = item.maker
        if maker is None or not maker.inputs or not _is_activation(maker):
            continue
        inner, _ = maker_of(item.operations, maker.inputs[0], before=maker)
        twice = inner is not None and inner.name in SQUASHING and maker.name in ("softmax", "log_softmax", "sigmoid")
        repair.add(case.lab, item.index, inner if twice and inner is not None else maker, passed_on)
    if not repair.edits:
        binary = "binary" in finding.check or "bce" in finding.check
        back: Callable[[Tensor], Tensor] = _logit if binary else _log
        for item in _inputs_at(case, finding, ("cross_entropy", "binary_cross_entropy_with_logits")):
            repair.add(case.lab, item.index, item.call.operation, _with_input(back))
    return repair if repair.edits else None


def _is_activation(call: Operation) -> bool:
    """One tensor in, one of the same shape out, without parameters."""
    parameters = any(item.is_leaf and item.requires_grad for item in call.inputs)
    same = len(call.outputs) == 1 and bool(call.inputs) and call.outputs[0].shape == call.inputs[0].shape
    return same and len(call.inputs) == 1 and not parameters


def _log(values: Tensor) -> Tensor:
    return values.clamp_min(LEAST_PROBABILITY).log()


def _logit(values: Tensor) -> Tensor:
    return torch.logit(values, eps=1e-6)


def _edited_inputs(
    changes: str, change: Callable[[Tensor], Tensor], *names: str
) -> Callable[[Case, Finding], Remedy | None]:
    """The loss called with another input."""

    def repair(case: Case, finding: Finding) -> Remedy | None:
        edited = EditedOperations(finding.check, changes)
        for item in _inputs_at(case, finding, names):
            if item.call.name in names:
                edited.add(case.lab, item.index, item.call.operation, _with_input(change))
        return edited if edited.edits else None

    return repair


def _probabilities_for_mse(case: Case, finding: Finding) -> Remedy | None:
    repair = EditedOperations(finding.check, "probabilities in the place of log-probabilities")
    for item in _inputs_at(case, finding):
        if item.maker is not None and item.maker.name == "log_softmax":
            repair.add(case.lab, item.index, item.maker, _exp)
    return repair if repair.edits else None


def _aligned(case: Case, finding: Finding) -> Remedy | None:
    repair = EditedOperations(finding.check, "outputs and targets of the same shape in the loss")
    for index in loss_indices(case.lab):
        for call in case.lab.operations(index).on_path():
            if broadcast(call) is not None and call.place == finding.where:
                repair.add(case.lab, index, call, _same_shapes)
    return repair if repair.edits else None


def _right_dimension(case: Case, finding: Finding) -> Remedy | None:
    repair = EditedOperations(finding.check, "the softmax over the dimension of the classes")
    for item in _inputs_at(case, finding):
        axis, maker = class_axis(item.call), item.maker
        if maker is None or axis is None or maker.name not in SQUASHING or not maker.inputs:
            continue
        if item.tensor.shape == item.call.input.shape:
            repair.add(case.lab, item.index, maker, _over(axis))
    if not repair.edits:  # over a dimension of one element
        for index in loss_indices(case.lab):
            for call in case.lab.operations(index).on_path():
                if call.name in ("softmax", "log_softmax") and call.place == finding.where:
                    repair.add(case.lab, index, call, _sigmoid)
    return repair if repair.edits else None


class NegatedLoss(Repair):
    defines_loss = True

    def loss(self, loss: Tensor) -> Tensor:
        return -loss


class FiniteInputs(Repair):
    """Zeros in the place of what is not finite in the batches."""

    defines_loss = True

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        return {
            "replace": {
                number: torch.nan_to_num(leaf.value, nan=0.0, posinf=0.0, neginf=0.0)
                for number, leaf in tape.constants().items()
                if leaf.value.is_floating_point() and not bool(torch.isfinite(leaf.value).all())
            }
        }


class AutogradBackward(Repair):
    """A custom Function differentiated by autograd through its own forward pass."""

    defines_loss = True  # what can be reached is found by its gradient

    def __init__(self, cause: str, functions: Sequence[Any]) -> None:
        super().__init__(cause, "the hand-written backward replaced by autograd's own")
        self.functions = list(functions)

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        def around(node: Node, call: Callable[[], Any]) -> Any:
            with self._differentiated():
                return call()

        return {"around": around}

    @contextmanager
    def _differentiated(self) -> Iterator[None]:
        before = [(function, vars(function).get("apply")) for function in self.functions]
        try:
            for function in self.functions:
                function.apply = staticmethod(_plain(function))
            yield
        finally:
            for function, apply in before:
                if apply is None:
                    del function.apply
                else:
                    function.apply = apply


def _plain(function: Any) -> Callable[..., Any]:
    with_context = function.setup_context is torch.autograd.Function.setup_context

    def call(*args: Any) -> Any:
        return function.forward(_Context(args), *args) if with_context else function.forward(*args)

    return call


class _Context:
    """What a forward pass writes for its backward, which is not called."""

    def __init__(self, args: tuple[Any, ...]) -> None:
        self.needs_input_grad = tuple(isinstance(item, Tensor) and item.requires_grad for item in args)
        self.saved_tensors: tuple[Any, ...] = ()

    def save_for_backward(self, *tensors: Any) -> None:
        self.saved_tensors = tensors

    def _nothing(self, *_args: Any) -> None:
        return None

    mark_dirty = mark_non_differentiable = set_materialize_grads = save_for_forward = _nothing


def _differentiated(case: Case, finding: Finding) -> Remedy | None:
    root = case.lab.operations(0).root
    own = [item for item in functions_of(root) if item.__name__ == finding.module] if root is not None else []
    return AutogradBackward(finding.check, own) if own else None


# -- the protocol --------------------------------------------------------------------------------------------------


class ZeroedGradients(Repair):
    """Gradients set to zero before the first backward of every step, and at no other time."""

    def events(self, events: list[StepEvent]) -> list[list[StepEvent]]:
        kept: list[StepEvent] = [event for event in events if not isinstance(event, ZeroGrad)]
        used = dict.fromkeys(event.optimizer for event in events if isinstance(event, OptimizerStep))
        return [[*(ZeroGrad(index, None) for index in used), *kept]]


class ClippedUnscaled(Repair):
    """Gradients clipped as they are, after a gradient scaler's factor has been taken off them."""

    def events(self, events: list[StepEvent]) -> list[list[StepEvent]]:
        return [[replace(event, scale=None) if isinstance(event, GradientEdit) else event for event in events]]


class StepsTaken(Repair):
    """An optimizer step after every backward call."""

    def __init__(self, cause: str, index: int) -> None:
        super().__init__(cause, "a step of the optimizer after every backward call")
        self.index = index

    def steps(self, lab: Lab, recorded: list[list[StepEvent]]) -> list[list[StepEvent]]:
        rates = tuple(float(group.get("lr", 0.0)) for group in lab.setup.optimizers[self.index].groups)
        found: list[list[StepEvent]] = []
        for event in (event for step in lab.setup.steps for event in step):
            if isinstance(event, BackwardRecord) and event.tape is not None:
                clean = BackwardRecord(event.tape, event.loss, event.place)
                found.append([ZeroGrad(self.index, None), clean, OptimizerStep(self.index, rates, None)])
            elif isinstance(event, GradientEdit) and found:
                found[-1].insert(-1, event)
        return found


class TrainingMode(Repair):
    """Layers that depend on the mode are in training mode while training."""

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        def around(node: Node, call: Callable[[], Any]) -> Any:
            if node.module is not None and node.grad_enabled and torch.is_grad_enabled():
                for module in node.module.modules():
                    if mode_dependent(module):
                        module.training = True
            return call()

        return {"around": around}


class ShuffledRows(Repair):
    """The rows of the recorded batches dealt out to them at random."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause, "the rows shuffled over the recorded batches")
        self.dealt: dict[int, dict[int, Tensor]] = {}

    def begin(self, lab: Lab) -> None:
        if not self.dealt:
            self._deal(lab)

    def _deal(self, lab: Lab) -> None:
        main = lab.main_backward.tape
        assert main is not None
        kinds = _rows_of(main)
        tapes = [item.tape for item in lab.backwards if item.tape is not None and _rows_of(item.tape) == kinds]
        numbers = [row_constants(tape) for tape in tapes]
        sizes = [len(tape.leaves[own[0]].value) for tape, own in zip(tapes, numbers, strict=True) if own]
        if len(sizes) != len(tapes):
            return
        order = torch.randperm(sum(sizes), generator=torch.Generator().manual_seed(0), device="cpu")
        for position in range(len(kinds)):
            rows = torch.cat([tape.leaves[own[position]].value for tape, own in zip(tapes, numbers, strict=True)])
            for tape, own, part in zip(tapes, numbers, rows[order].split(sizes), strict=True):
                self.dealt.setdefault(id(tape), {})[own[position]] = part

    def tape_options(self, tape: Tape) -> dict[str, Any]:
        return {"replace": self.dealt.get(id(tape), {})}


def _rows_of(tape: Tape) -> list[tuple[torch.dtype, tuple[int, ...]]]:
    """What the rows of a tape's batch look like."""
    values = [tape.leaves[number].value for number in row_constants(tape)]
    return [(value.dtype, tuple(value.shape[1:])) for value in values]


# -- which finding is mended by what -------------------------------------------------------------------------------


def _trained(changes: str, tensors: Callable[[Case], Sequence[Tensor]]) -> Callable[[Case, Finding], Remedy | None]:
    def repair(case: Case, finding: Finding) -> Remedy | None:
        found = tensors(case)
        return TrainAlso(found, finding.check, changes) if found else None

    return repair


def _never_stepping(case: Case, finding: Finding) -> Remedy | None:
    idle = [number for number, record in enumerate(case.setup.optimizers) if not record.steps]
    return StepsTaken(finding.check, idle[0]) if len(idle) == 1 == len(case.setup.optimizers) else None


def _standard_initialization(case: Case, finding: Finding) -> Remedy | None:
    remedy = StandardInitialization()
    remedy.cause = remedy.name = finding.check
    return remedy if remedy.why_not(case.lab) is None else None


def _constant_rate(case: Case, finding: Finding) -> Remedy | None:
    remedy = ConstantRate()
    remedy.cause = remedy.name = finding.check
    return remedy if remedy.why_not(case.lab) is None else None


def _without_penalty(case: Case, finding: Finding) -> Remedy | None:
    remedy = NoPenalty()
    remedy.cause = remedy.name = finding.check
    return remedy if remedy.why_not(case.lab) is None else None


def _pairs_turned_round(case: Case, finding: Finding) -> Remedy | None:
    return next((item for item in turned_round(case.lab) if item.changes in finding.summary), None)


_REPAIRS: dict[str, Callable[[Case, Finding], Remedy | None]] = {
    "softmax-before-cross-entropy": _stripped,
    "sigmoid-before-bce-with-logits": _stripped,
    "squashed-regression-output": _stripped,
    "softmax-over-wrong-dimension": _right_dimension,
    "nll-loss-without-log-softmax": _edited_inputs(
        "log_softmax applied to the input of the loss", lambda x: functional.log_softmax(x, 1 if x.dim() > 1 else 0),
        "nll_loss",
    ),
    "probabilities-in-nll": _edited_inputs("the logarithm of the input of the loss", _log, "nll_loss", "kl_div"),
    "logits-in-bce": _edited_inputs("a sigmoid applied to the input of the loss", torch.sigmoid, "binary_cross_entropy"),
    "log-softmax-with-mse": _probabilities_for_mse,
    "shape-broadcast-in-loss": _aligned,
    "custom-loss-sign": lambda case, finding: NegatedLoss(finding.check, "the sign of the loss turned"),
    "wrong-gradient": _differentiated,
    "non-finite-input": lambda case, finding: FiniteInputs(finding.check, "zeros in the place of non-finite inputs"),
    "missing-zero-grad": lambda case, finding: ZeroedGradients(finding.check, "gradients set to zero before each step"),
    "zero-grad-between-backward-and-step": lambda case, finding: ZeroedGradients(
        finding.check, "gradients set to zero before backward and not after it"
    ),
    "clipping-before-unscaling": lambda case, finding: ClippedUnscaled(
        finding.check, "gradients clipped after they are unscaled"
    ),
    "missing-step": _never_stepping,
    "training-in-eval-mode": lambda case, finding: TrainingMode(finding.check, "the model in training mode"),
    "unshuffled-training-data": lambda case, finding: ShuffledRows(finding.check),
    "single-label-batches": lambda case, finding: ShuffledRows(finding.check),
    "frozen-parameters": _trained(
        "the frozen layers trained too", lambda case: same_layers(case, frozen_below_trained(case))
    ),
    "parameters-not-registered": _trained("the unregistered parameters trained too", unregistered),
    "parameters-not-optimized": _trained(
        "all parameters given to the optimizer", lambda case: [item.tensor for item in left_out(case)]
    ),
    "optimizer-over-stale-parameters": _trained(
        "the optimizer over the model in use", lambda case: [item.tensor for item in left_out(case)]
    ),
    "loss-components-out-of-balance": lambda case, finding: balanced(case.lab),
    "pairs-reversed": _pairs_turned_round,
    "penalty-with-wrong-sign": _without_penalty,
    "penalty-rewards-large-weights": _without_penalty,
    "zero-initialization": _standard_initialization,
    "symmetric-initialization": _standard_initialization,
    "dead-units": _standard_initialization,
    "scheduler-stepped-per-batch": _constant_rate,
    "scheduler-drives-rate-to-zero": _constant_rate,
}


def repair_of(case: Case, finding: Finding) -> Remedy | None:
    """What mends a finding in a replay; None where nothing does."""
    make = _REPAIRS.get(finding.check)
    if make is None:
        return None
    try:
        remedy = make(case, finding)
        return remedy if remedy is not None and works(case.lab, remedy) else None
    except Exception:  # it does not fit this program
        return None


def hidden_by_others(case: Case) -> list[Remedy]:
    """Remedies for what is a fault only if it makes a difference, which another fault may hide."""
    frozen = frozen_below_trained(case)
    if not frozen or learned(case, [item.tensor for item in frozen]):
        return []
    return [TrainAlso(same_layers(case, frozen), "frozen-parameters", "the frozen layers trained too")]


def works(lab: Lab, remedy: Remedy) -> bool:
    """Whether the first step runs with a repair and gives a finite loss with a gradient."""
    tape = lab.main_backward.tape
    assert tape is not None
    with lab.at("initial"), remedy.applied(lab):
        remedy.begin(lab)
        loss = remedy.loss(tape.loss(**remedy.tape_options(tape)))
        return bool(torch.isfinite(loss)) and loss.requires_grad
