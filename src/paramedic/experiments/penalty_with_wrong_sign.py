"""A penalty on the weights that rewards large ones."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.free_output import RAY, UNBOUNDED_GROWTH
from paramedic.experiments.lab import Lab
from paramedic.experiments.loss_components import breakdown, leaf_tensors_of
from paramedic.experiments.progress import Probe


class PenaltyWithWrongSign(Check):
    """A penalty on the weights is subtracted from the loss: it rewards large weights.

    What it measures: the part of the loss that is computed from the parameters alone, with these parameters as they
        are, 10 and 100 times as large: it is negative, and falls without end. More regularization has to raise the loss.
    Why it matters: the weights grow as fast as the optimizer can; the network overfits or diverges.
    Fix: add the penalty.
    Not a fault when: a single matrix is to be spread out on purpose (prototypes pushed apart); then nothing is said.
    References: the article's reason 17.
    """

    reason = "R17"
    name = "penalty-with-wrong-sign"
    also = ("R30",)
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        lab = case.lab
        for state in ("initial", "final"):
            with lab.at(state):
                tape = lab.main_backward.tape
                assert tape is not None
                probe = Probe(tape)
                taken = breakdown(lab, probe)
                penalty = next((item for item in taken.components if item.penalty), None) if taken else None
                if taken is None or penalty is None:
                    raise NotApplicable("the loss has no penalty on the weights")
                parameters = leaf_tensors_of(taken, penalty)
                matrices = sum(item.dim() >= 2 for item in parameters)
                alone = sum(p.dim() >= 2 for p in lab.parameters()) == matrices
                joined = penalty.joined
                values = [penalty.share, *(_scaled(lab, probe, parameters, factor) for factor in RAY[1:])]
            if any(values):  # weights that begin at zero have none
                break
        near, beyond = values[0] - values[1], values[1] - values[2]
        endless = near > 0 and beyond > UNBOUNDED_GROWTH * near
        if not (values[0] < 0 and endless) or matrices < 2 and not alone:
            return
        when = "first step" if state == "initial" else "last weights"
        yield self.fault(
            f"the penalty on the weights lowers the loss (by {-values[0]:.3g} at the {when}), and by "
            f"{-values[1]:.3g} with weights {RAY[1]:g} times as large: it rewards large weights (expected: more "
            "regularization raises the loss)",
            where=joined,
            evidence=tuple(
                Evidence(f"penalty's part of the loss, weights times {factor:g}", float(f"{value:.3g}"), "above 0")
                for factor, value in zip(RAY, values, strict=True)
            ),
            remedy="add the penalty to the loss",
            explains=("R36", "R35", "R37", "R33", "R30", "S5", "R27", "S1", "R16", "S6", "R20"),
            exact=True,
        )


def _scaled(lab: Lab, probe: Probe, parameters: list[Tensor], factor: float) -> float:
    """The penalty's part of the loss with its parameters times a factor."""
    values = [item.detach().clone() for item in parameters]
    try:
        with torch.no_grad():
            for item in parameters:
                item.mul_(factor)
        taken = breakdown(lab, probe)
    finally:
        with torch.no_grad():
            for item, value in zip(parameters, values, strict=True):
                item.copy_(value)
    shares = [item.share for item in taken.components if item.penalty] if taken is not None else []
    return shares[0] if shares else float("nan")
