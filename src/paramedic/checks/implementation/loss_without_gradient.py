"""A loss that tells the network nothing."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.custom_loss import SYMPTOMS, trials
from paramedic.experiments.loss_tail import loss_tail
from paramedic.experiments.operations import Operation, Operations
from paramedic.experiments.progress import main_tapes, spread

MOST_STEPS = 12  # recorded steps that are asked for a gradient
NO_GRAPH = "does not require grad"  # torch's message when backward meets a loss without a graph
CUTTING = frozenset({"argmax", "argmin", "argsort", "detach", "data", "item", "numpy", "tolist", "round", "floor",
                     "ceil", "sign", "eq", "__eq__", "gt", "__gt__", "lt", "__lt__", "ge", "__ge__", "le", "__le__",
                     "bool", "long", "int", "one_hot", "bincount", "heaviside", "trunc"})


class LossWithoutGradient(Check):
    """The loss has no gradient with respect to the network's outputs.

    What it measures: whether backward stopped because the loss has no graph; and whether the gradient with respect
    to every output is exactly zero, for the recorded and for random outputs.
    Why it matters: argmax, comparisons, rounding, detach, .item() and numpy end the graph: nothing is learned.
    Fix: compute the loss from the outputs themselves; keep argmax and thresholds for metrics.
    Not a fault when: never known to be deliberate.
    References: the article's reasons 18 and 23.
    """

    reason = "R18"
    name = "loss-without-gradient"
    also = ("R23",)

    def examine(self, case: Case) -> Iterator[Finding]:
        message = str((case.trace.meta("ended") or {}).get("message", ""))
        if NO_GRAPH in message:
            operations = case.lab.failure_operations()
            cut = _last_cut(operations) if operations is not None else None
            where = cut.place if cut is not None else None
            by = f": {cut.name} ends the graph" if cut is not None else ""
            yield self.fault(
                f"backward stopped the program: the loss does not depend on the parameters through any differentiable "
                f"operation{by}",
                where=where,
                evidence=(Evidence("message", message.splitlines()[0]),),
                remedy="compute the loss from the outputs themselves, without argmax, comparisons, detach or .item()",
                explains=SYMPTOMS,
                exact=True,
            )
            return
        if case.lab.why_not_replayable() is not None:
            raise NotChecked(case.lab.why_not_replayable() or "")
        for _, trial in trials(case):
            if trial.without_gradient() and not _elsewhere(case):
                cut = _last_cut(case.lab.operations(0))
                yield self.fault(
                    "the gradient of the loss with respect to every output is exactly 0, for any outputs"
                    + (f": {cut.name} is flat everywhere" if cut is not None else ""),
                    where=cut.place if cut is not None else trial.tail.calls[-1].place,
                    evidence=(Evidence("outputs with a gradient", 0, str(trial.tail.outputs[0].numel())),),
                    remedy="replace the flat operation (rounding, sign, threshold) by a smooth one in the loss",
                    explains=(*SYMPTOMS, "R23"),
                    exact=True,
                )
                return


def _elsewhere(case: Case) -> bool:
    """Whether another recorded step gives the outputs a gradient: then it is the batch that leaves none."""
    for tape in spread(main_tapes(case.lab), MOST_STEPS):
        with case.lab.at("initial"), torch.enable_grad():
            tail = loss_tail(case.lab.log(tape))
            if tail is None:
                continue
            free = [item.detach().clone().requires_grad_() for item in tail.outputs]
            value = tail.loss(free)
            grads = torch.autograd.grad(value, free, allow_unused=True) if value.requires_grad else []
            if any(grad is not None and bool((grad != 0).any()) for grad in grads):
                return True
    return False


def _last_cut(operations: Operations) -> Operation | None:
    return next((call for call in reversed(operations.calls) if call.name in CUTTING), None)
