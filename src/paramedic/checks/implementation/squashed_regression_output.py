"""Targets that the last activation cannot give."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.log_softmax_with_mse import distance_inputs
from paramedic.checks.implementation.loss_inputs import SOFTMAXES, LossInput, described, made_at, reach

# Share of the targets' variance that lies outside of what the outputs can be. A perfect network then explains at
# most 1 minus this; 0.01 is far above rounding and a few outliers of a bounded quantity. Calibrated 2026-11 on the
# healthy programs, where it is 0 throughout.
UNREACHABLE_VARIANCE = 0.01
UNREACHABLE_SHARE = 0.01
WIDE = 10.0  # outputs are driven to this many times the largest target


class SquashedRegressionOutput(Check):
    """The last activation confines the outputs to a range that the targets leave.

    What it measures: the range that the loss input takes when the last layer's outputs are driven to the extremes,
    and the share of the targets (and of their variance) outside of that range.
    Why it matters: a ReLU cannot give negative values, a sigmoid nothing outside 0-1, a tanh nothing outside -1-1:
    these targets stay out of reach however long the network trains.
    Fix: no activation after the last layer of a regression, or scale the targets into the activation's range.
    Not a fault when: all targets lie in the range (pixels in 0-1 after a sigmoid).
    References: the article's reason 19.
    """

    reason = "R19"
    name = "squashed-regression-output"
    needs = ("replay",)
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        for item in distance_inputs(case):
            if item.tail is None or item.maker is None or item.maker.name in SOFTMAXES:
                continue
            finding = self._finding_of(case, item)
            if finding is not None and str(finding.where) not in seen:
                seen.add(str(finding.where))
                yield finding

    def _finding_of(self, case: Case, item: LossInput) -> Finding | None:
        target = item.call.target
        assert target is not None and item.tail is not None and item.maker is not None
        target = target.detach().double()
        if target.shape != item.call.input.shape or not bool(torch.isfinite(target).all()):
            return None
        with case.lab.at("initial"):
            found = reach(item.tail, item.call.input, WIDE * (1.0 + float(target.abs().max())))
        if found is None or float((found[1] - found[0]).max()) <= 0:
            return None
        excess, share = _unreachable(target, *found)
        if excess >= UNREACHABLE_VARIANCE and share >= UNREACHABLE_SHARE:
            excess, share = self._confirmed(case, item, target, found)
        if excess < UNREACHABLE_VARIANCE or share < UNREACHABLE_SHARE:
            return None
        low, high = float(found[0].min()), float(found[1].max())
        span = f"{low:.3g} to {high:.3g}" if high < WIDE * float(target.abs().max()) else f"{low:.3g} upwards"
        return self.fault(
            f"{share:.0%} of the targets ({float(target.min()):.3g} to {float(target.max()):.3g}) lie outside of what "
            f"{described(item.maker)} can give ({span}): remove it, or scale the targets",
            where=made_at(case, item.maker) or item.call.place,
            module=item.maker.module_path,
            evidence=(
                Evidence("targets out of reach", share, "0"),
                Evidence("their share of the variance", excess, f"< {UNREACHABLE_VARIANCE}"),
                Evidence("loss line", str(item.call.place)),
            ),
            remedy=f"remove {described(item.maker)} after the last layer",
            explains=("R33", "R31", "R36", "R24", "R35", "R28", "R17", "R30", "S5", "R18", "R34", "R12"),
            exact=True,
        )

    def _confirmed(
        self, case: Case, item: LossInput, target: Tensor, found: tuple[Tensor, Tensor]
    ) -> tuple[float, float]:
        """The same when free outputs have been driven towards the targets by the loss itself."""
        best = case.lab.free_output(item.index)
        if best is None or id(item.call.input) not in best.values:
            return 0.0, 0.0
        reached = best.values[id(item.call.input)].detach().double()
        return _unreachable(target, torch.minimum(found[0], reached), torch.maximum(found[1], reached))


def _unreachable(target: Tensor, low: Tensor, high: Tensor) -> tuple[float, float]:
    """Share of the variance of ``target`` and of its elements beyond ``low`` and ``high``."""
    beyond = (low - target).clamp(min=0) + (target - high).clamp(min=0)
    variance = float((target - target.mean()).square().mean())
    slack = 1e-3 * float(target.max() - target.min())
    return float(beyond.square().mean()) / max(variance, 1e-12), float((beyond > slack).double().mean())
