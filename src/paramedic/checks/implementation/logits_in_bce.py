"""Raw outputs where the binary cross-entropy expects probabilities."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import described, loss_inputs, maker_of, reach

LARGE = 100.0
SLACK = 1e-6


class LogitsInBce(Check):
    """binary_cross_entropy receives raw outputs where it expects probabilities.

    What it measures: the values of the loss input in the step that crashed; without a crash, whether the input can
    leave [0, 1] when the last layer's outputs grow.
    Why it matters: torch stops at the first value outside [0, 1]; until then the loss is computed from numbers that
    are no probabilities.
    Fix: binary_cross_entropy_with_logits, or a sigmoid after the last layer.
    Not a fault when: outputs are clamped into [0, 1] on purpose.
    References: the article's reason 19; torch.nn.BCELoss.
    """

    reason = "R19"
    name = "logits-in-bce"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        failed = case.lab.failure_operations()
        call = failed.failed if failed is not None else None
        if call is not None and failed is not None and call.name == "binary_cross_entropy":
            given = call.argument(0, "input")
            if isinstance(given, Tensor) and given.numel() and (float(given.min()) < 0 or float(given.max()) > 1):
                maker, _ = maker_of(failed, given, before=call)
                yield self._finding_of(float(given.min()), float(given.max()), call.place, described(maker), True)
                return
        if case.lab.why_not_replayable() is not None:
            raise NotApplicable("no binary cross-entropy was seen")
        inputs = [item for item in loss_inputs(case) if item.call.name == "binary_cross_entropy"]
        if not inputs:
            raise NotApplicable("no binary cross-entropy in this program")
        for item in inputs:
            with case.lab.at("initial"):
                try:
                    reached = reach(item.tail, item.call.input, LARGE) if item.tail is not None else None
                except RuntimeError:  # torch refuses what lies outside [0, 1]: this is the fault
                    reached = None
                    low, high = float(item.call.input.min()), float(item.call.input.max())
                    yield self._finding_of(low, high, item.call.place, described(item.maker), False)
                    return
            if reached is not None and float(reached[0].min()) < -SLACK:
                yield self._finding_of(float(reached[0].min()), float(reached[1].max()), item.call.place,
                                       described(item.maker), False)
                return

    def _finding_of(self, low: float, high: float, place: object, maker: str, crashed: bool) -> Finding:
        what = "stopped the program: it got" if crashed else "got"
        return self.fault(
            f"binary_cross_entropy {what} raw outputs of {maker} ({low:.3g} to {high:.3g}) where probabilities "
            "(0 to 1) are expected",
            where=place,  # type: ignore[arg-type]
            evidence=(Evidence("smallest and largest loss input", f"{low:.3g} to {high:.3g}", "0 to 1"),),
            remedy="use binary_cross_entropy_with_logits, or a sigmoid after the last layer",
            explains=("R37", "R18", "R36", "R31", "loss-input-shape"),
            exact=True,
        )
