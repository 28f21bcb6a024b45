"""Weights that start at zero and stay there."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.equal_units import equal_units
from paramedic.experiments.symmetric_initialization import learned
from paramedic.experiments.wording import SYMPTOMS, initialization_place


class ZeroInitialization(Check):
    """The weights of a layer are zero at the start, and its units still equal at the end of training.

    What it measures: whether a trained weight is all zero before the run, with equal rows after it.
    Why it matters: behind zero weights the signal and in front of them the gradient is zero: nothing can be learned.
    Fix: draw the weights at random; zero is fine for biases, and for the last layer of a residual branch.
    Not a fault when: the weights became different in training, or the run learned all the same.
    References: the article's reason 28; Goodfellow et al., "Deep Learning", section 8.4.
    """

    reason = "R28"
    name = "zero-initialization"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        layers = [item for item in equal_units(case) if item.value == 0]
        if not layers or learned(case):
            return
        first = layers[0]
        yield self.fault(
            f"{first.name} starts at zero, and its {first.units} units are still equal at the end of training"
            + (f" (and so are those of {len(layers) - 1} more)" if len(layers) > 1 else "")
            + ": no gradient tells them apart (expected: random weights)",
            where=initialization_place(case, [first.name], "zero"),
            module=first.name,
            evidence=tuple(
                Evidence(f"different units in {item.name}", 1, str(item.units)) for item in layers
            ),
            remedy="draw the weights at random: keep PyTorch's own initialization, or nn.init.kaiming_uniform_",
            explains=(*SYMPTOMS, "R36", "R23", "R28", "R02", "R22"),
            exact=True,
        )
