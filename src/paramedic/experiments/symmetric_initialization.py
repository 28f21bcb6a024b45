"""Units of a layer that start equal and can never become different."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import assess
from paramedic.experiments.equal_units import equal_units
from paramedic.experiments.wording import SYMPTOMS, initialization_place


class SymmetricInitialization(Check):
    """All units of a layer have the same weights at the start, and still at the end of training.

    What it measures: whether the rows of a trained weight (one per unit) are equal before and after the run.
    Why it matters: equal units get equal gradients and stay equal for ever: the layer is one unit wide.
    Fix: draw the weights at random (PyTorch's own initialization does).
    Not a fault when: the run learned all the same (it is then left out).
    References: the article's reason 28; Goodfellow et al., "Deep Learning", section 8.4.
    """

    reason = "R28"
    name = "symmetric-initialization"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        layers = [item for item in equal_units(case) if item.value > 0]
        if not layers or learned(case):
            return
        first = layers[0]
        yield self.fault(
            f"all {first.units} units of {first.name} are equal before and after training"
            + (f" (and those of {len(layers) - 1} more)" if len(layers) > 1 else "")
            + ": equal units get equal gradients, so the layer is one unit wide (expected: random weights)",
            where=initialization_place(case, [first.name], "equal"),
            module=first.name,
            evidence=tuple(
                Evidence(f"different units in {item.name}", 1, str(item.units)) for item in layers
            ),
            remedy="draw the weights at random: keep PyTorch's own initialization, or nn.init.kaiming_uniform_",
            explains=(*SYMPTOMS, "R36", "R23", "R28"),
            exact=True,
        )


def learned(case: Case) -> bool:
    """Whether the run ended with what can be learned; False where that cannot be measured."""
    try:
        return not assess(case).failing
    except NotChecked:
        return False
