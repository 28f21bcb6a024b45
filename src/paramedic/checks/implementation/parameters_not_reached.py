"""Optimized parameters that the gradient never reaches."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.places import scope_of_call
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.wiring import (
    SYMPTOMS,
    UNUSED_SHARE,
    Named,
    by_owner,
    common_path,
    distinct_tapes,
    layer_names,
    learned,
    main_optimizer,
    measured_steps,
    unchanged,
    weight_share,
    wiring,
)
from paramedic.trace.place import Place, place_of, user_frame
from paramedic.trace.setup import OptimizerRecord, OptimizerStep, StepEvent, ZeroGrad

if TYPE_CHECKING:
    from paramedic.experiments.operations import Operation, Operations

# Their derivative is zero almost everywhere: what is before them learns nothing.
STEP_FUNCTIONS = frozenset(
    {"round", "floor", "ceil", "trunc", "sign", "heaviside", "fix", "sgn", "argmax", "argmin", "argsort", "one_hot",
     "bucketize", "searchsorted", "histc", "bincount", "multinomial", "bernoulli", "__floordiv__", "floor_divide"}
)
COPIES = {
    "detach": "detach() ends the graph here",
    "detach_": "detach_() ends the graph here",
    "data": ".data ends the graph here",
    "tolist": "tolist() turns the tensor into Python numbers",
    "item": "item() turns the tensor into a Python number",
    "tensor": "torch.tensor() makes a copy without a graph",
    "clone": "the copy is made without a graph",
}
NO_GRAD = "the forward pass runs under torch.no_grad()"


@dataclass(frozen=True)
class Cut:
    """Where the graph ends: an operation that reads a value with a gradient and gives one without.

    unused: no such operation; nothing on the way to the loss reads the result.
    """

    place: Place | None
    why: str
    module: str | None
    unused: bool = False


class ParametersNotReached(Check):
    """Parameters are in the optimizer, but no gradient ever reaches them.

    What it measures: the gradients of all parameters after the recorded backward calls, run again at the first and at
    the last weights; None or exactly zero in all of them. The operation log of the forward pass then says where a
    value that depends on these parameters leaves the graph.
    Why it matters: everything before ``detach()``, ``.data``, ``no_grad`` or a detour through numpy stays random.
    Fix: remove the cut; if a layer is not used, use it or remove it.
    Not a fault when: the part was trained before or loaded; it is trained by another loss; a stop-gradient on purpose
    in one of several branches (the others still reach the parameters); the last bias where the loss is computed from
    derivatives of the network alone, which does not depend on it.
    References: the article's reason 23; PyTorch notes, "Locally disabling gradient computation".
    """

    reason = "R23"
    name = "parameters-not-reached"
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        record = main_optimizer(case)
        if record is None:
            raise NotApplicable("no optimizer made a step")
        why = case.lab.why_not_replayable()
        if why is not None:
            if not _loss_is_alone(case):
                raise NotChecked(why)
            yield self._alone(case, record)
            return
        for group in by_owner(unreached(case)).values():
            if learned(case, [item.tensor for item in group]):
                continue
            read, unread = _split(case, group)
            if read:
                yield self._cut(case, read)
            if unread:
                yield self._unused(unread)

    def _alone(self, case: Case, record: OptimizerRecord) -> Finding:
        steps = len(measured_steps(case))
        return self.fault(
            f"backward is called on a tensor that is not connected to the model: after it none of the "
            f"{len(record.parameters)} parameters in {record.kind} has a gradient, in {steps} of {steps} steps: "
            "call backward on the loss itself, not on a copy of its value",
            where=next((item.place for item in case.setup.backwards()), None),
            evidence=(Evidence("steps with a gradient", 0, f"{steps}"),),
            remedy="call backward on the loss itself: no item(), detach() or torch.tensor() on the way to it",
            explains=(*SYMPTOMS, "R18", "R34"),
            exact=True,
        )

    def _cut(self, case: Case, group: list[Named]) -> Finding:
        cut = find_cut(case, group)
        whole = list(group[0].root.parameters())
        share = weight_share([item.tensor for item in group], whole)
        why = cut.why if cut is not None else "what they compute does not enter the loss"
        unused = cut is None or cut.unused
        say = self.note if unused and share < UNUSED_SHARE else self.fault
        return say(
            f"{len(group)} of {len(whole)} parameters ({share:.0%} of the weights: {layer_names(group)}) never get a "
            f"gradient, though the optimizer holds them: {why}",
            where=cut.place if cut is not None else None,
            module=(cut.module if cut is not None else None) or common_path(group),
            evidence=(
                Evidence("parameters without a gradient", len(group), "0"),
                Evidence("share of the weights", round(share, 4), "0"),
            ),
            remedy=f"let the gradient through: {why}" if cut is not None else "use these layers' output in the loss",
            explains=SYMPTOMS,
            exact=True,
        )

    def _unused(self, group: list[Named]) -> Finding:
        share = weight_share([item.tensor for item in group], group[0].root.parameters())
        say = self.suspect if share > UNUSED_SHARE else self.note
        return say(
            f"{layer_names(group)}: {len(group)} parameters ({share:.0%} of the weights) are in the optimizer, but no "
            "forward pass uses them: use the layer in forward, or remove it",
            where=None,
            module=common_path(group),
            evidence=(Evidence("parameters that no forward pass reads", len(group), "0"),),
            remedy="use the layer in forward, or remove it",
        )


def _loss_is_alone(case: Case) -> bool:
    """Whether backward was called on tensors that nothing recorded leads to, and no step ever found a gradient."""
    records, steps = case.setup.backwards(), measured_steps(case)
    zeroed = any(isinstance(last, ZeroGrad) for last in _before_steps(case))
    alone = bool(records) and all(item.tape is None for item in records)
    return alone and len(steps) > 1 and not any(step.gradients_nonzero for step in steps) and not zeroed


def _before_steps(case: Case) -> Iterator[StepEvent]:
    """What happened right before each recorded step."""
    for step in case.setup.steps:
        for one, other in itertools.pairwise(step):
            if isinstance(other, OptimizerStep):
                yield one


def unreached(case: Case) -> list[Named]:
    """Registered parameters of a stepping optimizer without any gradient, or behind a step function."""
    facts = wiring(case)
    named = [item for key, item in facts.registered.items() if key in facts.stepped and item.tensor.numel()]
    wanted = [item for item in named if item.tensor.requires_grad]
    missing = [item for item in wanted if id(item.tensor) not in facts.reached and unchanged(case, item.tensor)]
    zero = [item for item in wanted if id(item.tensor) in facts.reached - facts.nonzero]
    if zero and find_cut(case, zero, only=STEP_FUNCTIONS) is not None:
        missing += zero
    return [item for item in missing if not _differentiated_away(case, item)] if missing else []


def _differentiated_away(case: Case, item: Named) -> bool:
    """A bias beside a weight that is reached, in a loss of derivatives: what is added to an energy changes no force."""
    beside = [p for p in item.module.parameters(recurse=False) if p is not item.tensor]
    reached = any(id(p) in wiring(case).reached for p in beside)
    return item.tensor.dim() == 1 and reached and case.lab.operations(0).derivatives()


def _split(case: Case, group: list[Named]) -> tuple[list[Named], list[Named]]:
    """Parameters that some training forward reads, and those that none does."""
    read: set[int] = set()
    for index in _indices(case):
        for call in case.lab.operations(index).calls:
            read.update(id(item) for item in call.inputs)
    called = {id(module) for record in case.setup.evaluations if record.grad for module in record.model.modules()}
    used = [item for item in group if id(item.tensor) in read or id(item.module) in called]
    return used, [item for item in group if not any(item is other for other in used)]


def _indices(case: Case) -> list[int]:
    chosen = distinct_tapes(case)
    return [number for number, record in enumerate(case.lab.backwards) if any(record is item for item in chosen)]


def find_cut(case: Case, group: list[Named], only: frozenset[str] | None = None) -> Cut | None:
    """The first operation at which what depends on ``group`` leaves the graph; None if none does. Backward calls before
    a step of the optimizer that holds the group come first: elsewhere it may be left out on purpose (a generator in
    its discriminator's step)."""
    for index in sorted(_indices(case), key=lambda number: not _before_own_step(case, number, group)):
        operations = case.lab.operations(index)
        tainted = {id(item.tensor) for item in group}
        calls = sorted([*operations.calls, *operations.exits], key=_order(operations.calls, operations.exits))
        for call in calls:
            if not any(id(item) in tainted for item in call.inputs):
                continue
            cut = _cut_at(call)
            if cut is not None and (only is None or call.name in only):
                return replace(cut, place=_scope(case, index, operations, call) or cut.place) if cut.why == NO_GRAD else cut
            tainted.update(id(item) for item in call.outputs)
    if only is not None:
        return None
    return _unused_output(case, group) or _call_outside(case, group)


def _before_own_step(case: Case, index: int, group: list[Named]) -> bool:
    """Whether the next step after a recorded backward call is one of an optimizer that holds the group."""
    wanted, record = {id(item.tensor) for item in group}, case.lab.backwards[index]
    events = [event for step in case.setup.steps for event in step]
    position = next((number for number, event in enumerate(events) if event is record), len(events))
    step = next((event for event in events[position:] if isinstance(event, OptimizerStep)), None)
    return step is not None and any(id(item) in wanted for item in case.setup.optimizers[step.optimizer].parameters)


def _unused_output(case: Case, group: list[Named]) -> Cut | None:
    """The last operation on what depends on ``group``, where nothing reads its result on the way to the loss."""
    for index in _indices(case):
        operations = case.lab.operations(index)
        on_path = {id(call) for call in operations.on_path()}
        tainted = {id(item.tensor) for item in group}
        last = None
        for call in operations.calls:
            if any(id(item) in tainted for item in call.inputs):
                tainted.update(id(item) for item in call.outputs)
                last = call if id(call) not in on_path else last
        if last is not None:
            why = f"the result of {last.name}() there is not used for the loss"
            return Cut(last.place, why, last.module_path, unused=True)
    return None


def _call_outside(case: Case, group: list[Named]) -> Cut | None:
    """A call of the model in training whose output no loss was computed from."""
    modules = {id(item.module) for item in group}
    for record in case.setup.evaluations:
        if record.grad and any(id(module) in modules for module in record.model.modules()):
            return Cut(record.place, "the output of this call is not what the loss is computed from", None)
    return None


def _order(calls: list[Operation], exits: list[Operation]):  # type: ignore[no-untyped-def]
    """Exits have no position of their own: each comes after the last operation that made one of its inputs."""
    made = {id(item): number for number, call in enumerate(calls) for item in call.outputs}
    position = {id(call): float(number) for number, call in enumerate(calls)}
    for call in exits:
        position[id(call)] = max((made.get(id(item), -1) for item in call.inputs), default=-1) + 0.5
    return lambda call: position[id(call)]


class _Frames:
    """The user's places, innermost first, from which the operation with this position is called."""

    def __init__(self, position: int) -> None:
        self.position, self.places = position, list[Place]()

    def before(self, call: Operation) -> None:
        """Nothing to look at yet."""

    def after(self, call: Operation) -> None:
        frame = user_frame(sys._getframe(1)) if self.position == 0 else None
        while frame is not None:
            place = place_of(frame)
            self.places += [place] if place is not None else []
            frame = user_frame(frame.f_back)
        self.position -= 1


def _scope(case: Case, index: int, operations: Operations, call: Operation) -> Place | None:
    """Where gradients are switched off around an operation: the line to change."""
    position = next((number for number, item in enumerate(operations.calls) if item is call), None)
    tape = case.lab.backwards[index].tape
    if position is None or tape is None:
        return None
    watch = _Frames(position)
    with case.lab.at("initial"):
        case.lab.log(tape, watch)
    scopes = (scope_of_call(place, "no_grad", "inference_mode") for place in watch.places)
    return next((scope for scope in scopes if scope is not None), None)


def _cut_at(call: Operation) -> Cut | None:
    wanted = [item for item in call.inputs if item.requires_grad]
    if not wanted or (call.outputs and any(item.requires_grad for item in call.outputs)):
        return _rounding(call) if wanted else None
    if call.name in COPIES:
        why = COPIES[call.name]
    elif call.name in STEP_FUNCTIONS or all(not item.is_floating_point() for item in call.outputs):
        why = f"{call.name}() has no gradient"
    else:
        why = NO_GRAD
    return Cut(call.place, why, call.module_path)


def _rounding(call: Operation) -> Cut | None:
    """round() keeps the graph, with a gradient that is zero everywhere."""
    if call.name not in STEP_FUNCTIONS:
        return None
    return Cut(call.place, f"the derivative of {call.name}() is zero everywhere", call.module_path)
