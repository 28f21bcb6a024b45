"""The optimizer updates parameters that no called model has."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.parameters_not_optimized import left_out, orphans
from paramedic.checks.implementation.wiring import (
    SYMPTOMS,
    Named,
    common_path,
    layer_names,
    main_optimizer,
    registered,
    step_place,
    wiring,
)
from paramedic.trace.setup import parameters_of


class OptimizerOverStaleParameters(Check):
    """The optimizer holds parameters of another model than the one that is trained.

    What it measures: parameters in a stepping optimizer that belong to no model the program calls, while parameters
    of the called model get gradients and are in no optimizer.
    Why it matters: each step updates tensors that nobody uses; the model in use stays at its initialization.
    Fix: construct the optimizer after the model is final (after replacing layers, moving it, or building a new one).
    Not a fault when: the optimizer also holds parameters of the loss, or of parts that are called later.
    References: the article's reason 23; torch.optim, "Constructing it".
    """

    reason = "R23"
    name = "optimizer-over-stale-parameters"
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        if main_optimizer(case) is None:
            raise NotApplicable("no optimizer made a step")
        left, lost = left_out(case) + _replaced_later(case), orphans(case)
        if not left or not lost:
            return
        index, count = max(lost, key=lambda item: item[1])
        record = case.setup.optimizers[index]
        total = len(set(map(id, parameters_of(record.optimizer))))
        made = case.setup.constructed.get(left[0].module)
        yield self.fault(
            f"{count} of the {total} parameters in {record.kind} (constructed at {record.constructed}) belong to no "
            f"model in use, while {len(left)} parameters of {layer_names(left)} (constructed at {made}) get gradients "
            "and are in no optimizer: construct the optimizer after the model is final",
            where=step_place(case, index) or record.constructed,
            module=common_path(left),
            evidence=(
                Evidence("optimizer's parameters in no model", count, "0"),
                Evidence("model's parameters in no optimizer", len(left), "0"),
            ),
            remedy="construct the optimizer from the parameters of the model that is trained, after it is final",
            explains=(*SYMPTOMS, "R34", "missing-zero-grad"),
            exact=True,
        )


def _replaced_later(case: Case) -> list[Named]:
    """Parameters that came into a model after the recorded steps and got gradients, but are in no optimizer."""
    facts = wiring(case)
    known = {id(live) for live, _ in case.setup.initial.tensors}
    return [
        item
        for key, item in registered(case).items()
        if key not in facts.held and key not in known and key not in facts.reached and _has_gradient(item.tensor)
    ]


def _has_gradient(tensor: Tensor) -> bool:
    return tensor.requires_grad and tensor.grad is not None and bool(tensor.grad.ne(0).any())
