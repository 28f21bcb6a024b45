"""Gradients are clipped while a gradient scaler's factor is still on them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.wiring import SYMPTOMS
from paramedic.trace.setup import GradientEdit, OptimizerStep, StepEvent

LEAST_SHARE = 0.5  # of the clipping calls, which meet scaled gradients that they cut
LEAST_CUT = 10.0  # times smaller than the same limit would have left the unscaled gradient
# Optimizers whose step is about as long for gradients a thousand times smaller.
SCALE_FREE = ("Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Rprop", "Adagrad", "Adafactor", "Lion", "Muon")


class ClippingBeforeUnscaling(Check):
    """Gradients are clipped before the gradient scaler's factor is taken off them.

    What it measures: the scaler's factor and the norm of the gradients at every recorded call of ``clip_grad_norm_``,
    and what the limit would have left of the unscaled gradient. ``clip_grad_value_`` is not looked at.
    Why it matters: the limit acts on gradients that are multiplied by 65536, say. The scaler divides what is left, so
    that every gradient ends up that much shorter than the limit: the network hardly learns.
    Fix: ``scaler.unscale_(optimizer)`` before clipping; ``scaler.step`` knows that it is done.
    Not a fault when: the scaler is off, or the limit is above the scaled gradients. Optimizers that divide by the size
    of the gradient (Adam) make about the same steps; there it is a note.
    References: PyTorch, "Automatic Mixed Precision examples", working with unscaled gradients; the article's reason 36.
    """

    reason = "R36"
    name = "clipping-before-unscaling"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        clips = [item for item in _clips(case) if item[0].scale is not None and "max_norm" in item[0].arguments]
        if not clips:
            raise NotApplicable("no gradients are clipped while a gradient scaler's factor is on them")
        cuts = [_cut(event) for event, _ in clips]
        hurt = [cut for cut in cuts if cut >= LEAST_CUT]
        if len(hurt) < LEAST_SHARE * len(clips):
            return
        event, kinds = clips[0]
        assert event.scale is not None
        limit = float(event.arguments["max_norm"])
        factor, cut = float(event.scale), statistics.median(hurt)
        report = self.note if kinds and all(kind in SCALE_FREE for kind in kinds) else self.fault
        yield report(
            f"gradients are clipped to {limit:g} while the gradient scaler's factor of {factor:g} is still on them: what is "
            f"left is {cut:.2g} times smaller than clipping the unscaled gradients leaves: unscale them first",
            where=event.place,
            evidence=(
                Evidence("factor on the gradients when they are clipped", factor, "1"),
                Evidence("times smaller than clipped after unscaling", round(cut, 1), "1"),
                Evidence("clipping calls that cut scaled gradients", f"{len(hurt)} of {len(clips)}", "0"),
            ),
            remedy="call scaler.unscale_(optimizer) before the gradients are clipped",
            explains=(*SYMPTOMS, "R34") if report == self.fault else (),
            exact=True,
        )


def _clips(case: Case) -> Iterator[tuple[GradientEdit, list[str]]]:
    """Recorded calls, with the kinds of the optimizers that step next."""
    waiting: list[GradientEdit] = []
    events: list[StepEvent] = [event for step in case.setup.steps for event in step]
    for event in events:
        if isinstance(event, GradientEdit):
            waiting.append(event)
        elif isinstance(event, OptimizerStep) and waiting:
            yield from ((item, [case.setup.optimizers[event.optimizer].kind]) for item in waiting)
            waiting.clear()
    yield from ((item, []) for item in waiting)


def _cut(event: GradientEdit) -> float:
    """How many times smaller the gradient is left than by the same limit after unscaling; 1 where it is not cut."""
    assert event.scale is not None
    factor = float(event.scale)
    norm, limit = event.result, float(event.arguments["max_norm"])
    if not isinstance(norm, Tensor) or not math.isfinite(float(norm)) or factor <= 0 or not limit > 0:
        return 1.0
    scaled, unscaled = float(norm), float(norm) / factor
    left, meant = min(scaled, limit) / factor, min(unscaled, limit)
    return meant / left if left > 0 else 1.0
