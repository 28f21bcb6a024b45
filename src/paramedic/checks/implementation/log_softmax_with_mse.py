"""Log-probabilities compared with probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import (
    LossInput,
    described,
    log_sums_to_one,
    loss_inputs,
    made_at,
)

DISTANCES = frozenset({"mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
BY_HAND = frozenset({"sub", "__sub__", "__rsub__", "rsub", "subtract", "dist", "cdist"})


def distance_inputs(case: Case) -> list[LossInput]:
    """Inputs of losses that take the difference of output and target."""
    found = [
        item for item in loss_inputs(case)
        if item.call.target is not None and item.call.target.is_floating_point()
        and (item.call.name in DISTANCES or item.call.by_hand and item.call.operation.name in BY_HAND)
    ]
    if not found:
        raise NotApplicable("no loss takes the difference between outputs and targets")
    return found


class LogSoftmaxWithMse(Check):
    """A squared or absolute error compares log-probabilities with targets above 0.

    What it measures: whether the loss input comes out of log_softmax (exp of its rows sums to 1, nothing above 0)
    while targets are above 0.
    Why it matters: log-probabilities are negative; the network can only push the right class towards 0 and has to
    hold the others there as well, which it cannot.
    Fix: cross_entropy on the raw outputs; or softmax, not log_softmax, before a squared error.
    Not a fault when: the targets are log-probabilities themselves (distillation).
    References: the article's reason 19.
    """

    reason = "R19"
    name = "log-softmax-with-mse"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        for item in distance_inputs(case):
            target = item.call.target
            assert target is not None
            if item.maker is None or item.maker.name != "log_softmax" or float(target.max()) <= 0:
                continue
            if not any(log_sums_to_one(item.tensor, dim) for dim in range(item.tensor.dim())):
                continue
            if str(item.maker.place) in seen:
                continue
            seen.add(str(item.maker.place))
            low, high = float(item.call.input.min()), float(item.call.input.max())
            share = float((target > 0).double().mean())
            yield self.fault(
                f"{item.call.name} compares log-probabilities ({low:.2g} to {high:.2g}) with targets of which "
                f"{share:.0%} are above 0 and cannot be reached",
                where=made_at(case, item.maker) or item.call.place,
                module=item.maker.module_path,
                evidence=(
                    Evidence("targets above 0", share, "0"),
                    Evidence("largest loss input", high, f"{float(target.max()):.3g}"),
                    Evidence("loss line", str(item.call.place)),
                ),
                remedy=f"cross_entropy on the input of {described(item.maker)}",
                explains=("R18", "R36", "R35", "R31", "R24", "R17", "R28", "R30", "S5", "R33",
                          "squashed-regression-output", "custom-loss-wrong-minimum"),
                exact=True,
            )
