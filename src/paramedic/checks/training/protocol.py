"""The order of backward, step and zero_grad in the recorded steps, optimizer by optimizer."""

from __future__ import annotations

from dataclasses import dataclass

from paramedic.checks.case import Case
from paramedic.checks.implementation.wiring import MEASURED_STEPS
from paramedic.trace.setup import BackwardRecord, OptimizerStep, ZeroGrad


@dataclass(frozen=True)
class Interval:
    """What happened between two steps of one optimizer.

    held: share of the optimizer's parameters that held a non-zero gradient before each backward call that reads them.
    zeroed: the last call of zero_grad on this optimizer (or on a module) after the last backward call, if any.
    lost: backward calls whose gradients a zero_grad took away before the step, though the same line's next ones were kept;
    thrown: the zero_grad that did so.
    """

    held: tuple[float, ...]
    backwards: tuple[BackwardRecord, ...]
    zeroed: ZeroGrad | None
    step: OptimizerStep
    lost: int = 0
    thrown: ZeroGrad | None = None


def intervals(case: Case, optimizer: int) -> list[Interval]:
    """The measured intervals of an optimizer that end in a step; the first one begins with the program."""
    found: list[Interval] = []
    backwards: list[BackwardRecord] = []
    zeroed: ZeroGrad | None = None
    gone: list[BackwardRecord] = []  # backward calls whose gradients were zeroed before any optimizer took a step with them
    kept = used = 0  # the first whose gradients are still there; the first that no other optimizer's step has used
    thrown: ZeroGrad | None = None
    for step in case.setup.steps[:MEASURED_STEPS]:
        for event in step:
            if isinstance(event, BackwardRecord):
                backwards.append(event)
                zeroed = None
            elif isinstance(event, ZeroGrad) and event.optimizer in (None, optimizer):
                zeroed = event
                if len(backwards) > max(kept, used):
                    gone += backwards[max(kept, used) :]
                    thrown = event
                kept = len(backwards)
            elif isinstance(event, OptimizerStep) and event.optimizer == optimizer:
                held = tuple(item.held[optimizer] for item in backwards if optimizer in item.held)
                own = [item for item in gone if optimizer in item.held]
                again = {str(item.place) for item in backwards[kept:]}
                # a closure is evaluated as often as the step needs, each time from zero
                lost = 0 if event.closure else sum(str(item.place) in again for item in own)
                found.append(Interval(held, tuple(backwards), zeroed, event, lost, thrown if lost else None))
                backwards, gone, zeroed, kept, used, thrown = [], [], None, 0, 0, None
            elif isinstance(event, OptimizerStep):
                used = len(backwards)
    return found
