"""Parameters that get a gradient and are in no optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.wiring import (
    SYMPTOMS,
    Named,
    by_owner,
    common_path,
    layer_names,
    learned,
    main_optimizer,
    optimizer_parameters,
    unchanged,
    weight_share,
    wiring,
)


class ParametersNotOptimized(Check):
    """Parameters get gradients, but no optimizer updates them.

    What it measures: the parameters that the loss reaches and that require a gradient, minus those in an optimizer
    that made a step; they must also be bit for bit as at the start.
    Why it matters: these layers stay at their random initialization; the rest learns on random features.
    Fix: construct the optimizer with ``model.parameters()``, or add the missing ones with ``add_param_group``.
    Not a fault when: they were trained before or loaded (transfer learning); they are updated by hand.
    References: the article's reason 23; torch.optim, "Constructing it".
    """

    reason = "R23"
    name = "parameters-not-optimized"
    needs = ("replay",)
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        record = main_optimizer(case)
        if record is None:
            raise NotApplicable("no optimizer made a step")
        for root, left in by_owner(left_out(case)).items():
            if stale(case, left) or learned(case, [item.tensor for item in left]):
                continue
            whole = list(root.parameters())
            share = weight_share([item.tensor for item in left], whole)
            yield self.fault(
                f"{len(left)} of {len(whole)} parameters ({share:.0%} of the weights: {layer_names(left)}) get "
                f"gradients but are in no optimizer, and never change: give them to {record.kind}",
                where=record.constructed,
                module=common_path(left),
                evidence=(
                    Evidence("parameters with a gradient in no optimizer", len(left), "0"),
                    Evidence("share of the weights", round(share, 4), "0"),
                ),
                remedy="construct the optimizer with all parameters: model.parameters()",
                explains=SYMPTOMS,
                exact=True,
            )


def left_out(case: Case) -> list[Named]:
    """Registered parameters that the loss reaches, that no optimizer updates, and that never changed."""
    facts = wiring(case)
    items = [item for key, item in facts.registered.items() if key in facts.reached and key not in facts.held]
    return [item for item in items if item.tensor.requires_grad and unchanged(case, item.tensor)]


def stale(case: Case, left: list[Named]) -> bool:
    """Whether the stepping optimizers hold parameters of the same shapes that belong to no model in use."""
    return bool(left) and bool(orphans(case))


def orphans(case: Case) -> list[tuple[int, int]]:
    """(optimizer, how many of its parameters belong to no model in use), for the optimizers that made steps."""
    facts = wiring(case)
    alive = {id(p) for record in case.setup.models for p in (record.owner or record.module).parameters()}
    found = []
    for index, record in enumerate(case.setup.optimizers):
        if not record.steps:
            continue
        lost = {id(p) for p in optimizer_parameters(record)} - alive - facts.reached
        if lost:
            found.append((index, len(lost)))
    return found
