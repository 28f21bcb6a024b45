"""Where the first NaN or infinity comes from."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.non_finite_input import UNDEFINED
from paramedic.checks.data.places import line_behind, operator
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.lab import Lab, rounds_of, step_order
from paramedic.experiments.nonfinite import Origin, backward_origin, forward_origin, reason_in_words, watched
from paramedic.trace.place import Place
from paramedic.trace.setup import BackwardRecord, OptimizerStep, StepEvent, parameters_of
from paramedic.trace.tape import Tape

GROWTH = 1e3  # METHODS row 37: weights that grew so much before are the learning rate's doing, not the operation's
FURTHER_STEPS = 300  # a replay goes beyond the recorded steps in search of the event
SECONDS = 15.0
LAST_LOSSES = 3
SYMPTOMS = (
    "R33", "R35", "R36", "R31", "R28", "R24", "R30", "R29", "R17", "R21", "R11", "R02", "R20", "R05", "R25", "R32", "R15",
    "R26", "R22", "S5", "R27", "loss-diverges", "R12",
)


@dataclass(frozen=True)
class Event:
    """The first non-finite value of a run. growth: of the largest weight since the start; step: optimizer steps before."""

    origin: Origin | None
    step: int
    growth: float
    record: BackwardRecord | None = None


class NonFiniteOrigin(Check):
    """The loss or a gradient becomes NaN or infinite.

    What it measures: the step in which it first happens is run again with the range of every operation's inputs and
    outputs; first forward, then backward. The origin is the first operation with finite inputs and a non-finite result
    (minus infinity that a mask puts in is intended).
    Why it matters: after one such step every weight is NaN, and nothing is left to train.
    Fix: keep the operation's input away from the edge (eps, clamp, a stable function such as log_softmax), or repair the
    data; if the weights grew a thousandfold before, lower the learning rate instead.
    Not a fault when: a GradScaler skips the step, as it does on purpose in mixed precision.
    References: the article's reason 37; torch.autograd.detect_anomaly.
    """

    reason = "R37"
    name = "non-finite-origin"
    needs = ("trace",)  # losses alone say that there is one
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        if not case.trace.steps() and not case.setup.backwards():
            raise NotChecked("no training was observed")
        failed = _failure(case)
        if failed is None and not became_non_finite(case):
            raise NotApplicable("loss and weights stayed finite")
        event = Event(failed, 0, 1.0) if failed is not None else find_event(case)
        if event is None or (event.origin is None and event.growth <= GROWTH):
            if case.lab.why_not_replayable() is not None:
                raise NotChecked(f"the loss is not finite, but {case.lab.why_not_replayable()}")
            yield self._unknown(case)
        elif event.growth > GROWTH:
            yield self._overflow(event)
        else:
            yield self._fault_of(event)

    def _fault_of(self, event: Event) -> Finding:
        origin = event.origin
        assert origin is not None
        when = f"in step {event.step + 1}"
        if origin.phase == "input":
            kind = "NaN" if origin.output is not None and origin.output.nan else "infinity"
            return self.fault(
                f"the first {kind} {when} is in a tensor that comes in from outside, {tuple(origin.tensor.shape)} in "  # type: ignore[union-attr]
                f"{origin.call.name}(): repair the data before training",
                where=line_behind(_user_statement(origin), UNDEFINED, operator(ast.Div)),
                module=origin.call.module_path,
                evidence=(Evidence("non-finite values in the incoming tensor", _count(origin.tensor), "0"),),
                remedy="find where these values arise (division by zero, log of zero, missing values) and repair them",
                explains=SYMPTOMS,
                exact=True,
            )
        why = reason_in_words(origin)
        pass_ = "derivative" if origin.phase == "backward" else "result"
        half = origin.phase == "backward" and any(item.dtype == torch.float16 for item in origin.inputs)
        where = event.record.place if half and event.record is not None else origin.call.place
        return self.fault(
            f"the first non-finite value arises {when} in {origin.call.name}(): its {pass_} is not finite because {why}: "
            f"{_remedy(origin)}",
            where=where,
            module=origin.call.module_path,
            evidence=tuple(
                Evidence(f"range of input {number + 1}", f"{item.low:.4g} to {item.high:.4g}")
                for number, item in enumerate(origin.inputs[:3])
            ),
            remedy=_remedy(origin),
            explains=SYMPTOMS,
            exact=True,
        )

    def _overflow(self, event: Event) -> Finding:
        name = f" in {event.origin.call.name}()" if event.origin is not None else ""
        return self.note(
            f"values overflow{name} after the largest weight grew {event.growth:.1e} times in {event.step} steps: the cause "
            "is the size of the steps, not the operation: lower the learning rate",
            where=event.record.place if event.record is not None else None,
            evidence=(Evidence("growth of the largest weight", event.growth, f"< {GROWTH:g}"),),
            remedy="lower the learning rate, or clip the gradients",
        )

    def _unknown(self, case: Case) -> Finding:
        first = next((row for row in case.trace.steps() if not math.isfinite(row.loss)), None)
        where = next((item.place for item in case.setup.backwards()), None)
        when = f"at step {first.step}" if first is not None else "in the weights"
        return self.suspect(
            f"NaN or infinity appears {when}, after the steps that could be run again: its origin is not known: "
            "look for log, sqrt, division and exp without a guard, and for bad rows in the data",
            where=where,
            evidence=(Evidence("first step with a non-finite loss", first.step if first else None),),
            explains=("loss-diverges",),
        )


def _user_statement(origin: Origin) -> Place | None:
    """The line of the training loop that the value came in at."""
    node = origin.call.node
    return node.place if node is not None and node.place is not None else origin.call.place


def _remedy(origin: Origin) -> str:
    name = origin.call.name.strip("_")
    if origin.phase == "backward" and any(item.dtype == torch.float16 for item in origin.inputs):
        return "scale the loss dynamically (torch.amp.GradScaler), or less"
    if name in ("log", "log2", "log10", "sqrt", "rsqrt", "reciprocal", "div", "truediv", "divide", "norm", "cdist"):
        return "keep its input away from zero: add an eps inside, or clamp it"
    if name == "exp":
        return "subtract the maximum before exp, or use logsumexp or log_softmax"
    if "softmax" in name:
        return "leave at least one position of each row unmasked"
    return "keep its input away from this edge"


def _count(tensor: Tensor | None) -> int:
    return 0 if tensor is None else int((~torch.isfinite(tensor)).sum())


def became_non_finite(case: Case) -> bool:
    """Whether the run ended with non-finite losses or weights; a single skipped batch does not count."""
    losses = [row.loss for row in case.trace.steps()]
    bad = [not math.isfinite(loss) for loss in losses]
    recorded = [not math.isfinite(item.loss) for item in case.setup.backwards() if item.problem is None]
    if bad and all(bad[-LAST_LOSSES:]):
        return True
    if not bad and recorded and all(recorded[-LAST_LOSSES:]):
        return True
    return any(not _finite(tensor) for tensor in _parameters(case))


def _parameters(case: Case) -> list[Tensor]:
    held = [p for record in case.setup.optimizers for p in parameters_of(record.optimizer)]
    return held or [p for module in case.lab.modules() for p in module.parameters()]


def _finite(tensor: Tensor) -> bool:
    return not tensor.is_floating_point() or bool(torch.isfinite(tensor).all())


def _failure(case: Case) -> Origin | None:
    """The origin in the step in which the program crashed, if it computed NaN before."""
    tape = case.setup.failure
    if tape is None:
        return None
    with case.lab.at("same"):
        operations, watch = watched(tape, case.lab.paths())
        return forward_origin(watch, None) if operations.error is not None else None


def find_event(case: Case) -> Event | None:
    """Run the recorded steps again up to the first that is not finite, and look into it; done once per case."""
    if not hasattr(case, "_non_finite_event"):
        case._non_finite_event = _find_event(case.lab)  # type: ignore[attr-defined]
    return case._non_finite_event  # type: ignore[attr-defined,no-any-return]


def _find_event(lab: Lab) -> Event | None:
    if lab.why_not_replayable() is not None:
        return None
    steps = [step for step in lab.setup.steps if any(isinstance(event, OptimizerStep) for event in step)] or lab.setup.steps
    good = _good_steps(lab, steps)
    if good is None:
        return None
    order = step_order(rounds_of(steps), good + 1, 0)
    for number in (good, good - 1):  # a gradient that is not finite shows in the next step's loss
        if number < 0:
            break
        found = _look(lab, steps, order, number)
        if found is not None:
            return found
    return None


def _good_steps(lab: Lab, steps: list[list[StepEvent]]) -> int | None:
    """How many steps a replay makes before the first non-finite loss; None if there is none."""
    first = next((number for number, step in enumerate(steps) if _bad_loss(step)), None)
    if first is not None:
        return first
    per_step = sum(isinstance(event, BackwardRecord) and event.tape is not None for event in steps[0]) or 1
    import time

    curve = lab.train(steps=len(steps) + FURTHER_STEPS, deadline=time.thread_time() + SECONDS)
    if curve.finite:
        return None
    return next(number for number, loss in enumerate(curve.losses) if not math.isfinite(loss)) // per_step


def _bad_loss(step: list[StepEvent]) -> bool:
    return any(isinstance(event, BackwardRecord) and not math.isfinite(event.loss) for event in step)


def _look(lab: Lab, steps: list[list[StepEvent]], order: list[int], number: int) -> Event | None:
    """Train ``number`` steps, then run the next one with everything watched."""
    found: list[Event] = []

    def look() -> None:
        if any(not _finite(tensor) for tensor, _ in lab.setup.initial.tensors):
            return
        growth = weight_growth(lab)
        for record in steps[order[number]]:
            if not isinstance(record, BackwardRecord) or record.tape is None:
                continue
            event = _examine_tape(lab, record.tape)
            if event is not None or growth > GROWTH:
                found.append(Event(event, number, growth, record))
                return

    if number == 0:
        with lab.at("initial"):
            look()
    else:
        lab.train(steps=number, after=look)
    return found[0] if found else None


def _examine_tape(lab: Lab, tape: Tape) -> Origin | None:
    operations, watch = watched(tape, lab.paths())
    if operations.root is None:
        return forward_origin(watch, None)
    if not bool(torch.isfinite(operations.root).all()):
        return forward_origin(watch, operations.root)
    if not operations.root.requires_grad:
        return None
    origin = backward_origin(watch, operations.root)
    gradients = [tensor.grad for tensor, _ in lab.setup.initial.tensors if tensor.grad is not None]
    return origin if any(not bool(torch.isfinite(grad).all()) for grad in gradients) else None


def weight_growth(lab: Lab) -> float:
    """The largest absolute parameter now, over the largest at the start."""
    now, then = 0.0, 0.0
    for live, value in lab.setup.initial.tensors:
        if isinstance(live, torch.nn.Parameter) and live.is_floating_point() and live.numel():
            now = max(now, float(live.detach().abs().max()))
            then = max(then, float(value.abs().max()))
    return now / then if then else 1.0
