"""Probabilities where cross-entropy expects logits."""

from __future__ import annotations

import math
from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import (
    LossInput,
    activation_place,
    class_axis,
    described,
    loss_indices,
    loss_inputs,
    made_at,
    maker_of,
    sums_to_one,
)
from paramedic.experiments.operations import Operation

SQUASHING = frozenset({"softmax", "gumbel_softmax", "sigmoid"})
EXPECT_LOGITS = frozenset({"log_softmax", "softmax"})
EXPLAINS = ("R36", "R35", "R31", "R28", "R24", "R17", "R30", "R18", "S5", "R33", "R11", "R29", "R34")


class SoftmaxBeforeCrossEntropy(Check):
    """Cross-entropy receives probabilities where it expects logits.

    What it measures: whether every row of the loss input lies in [0, 1] and sums to 1 (or comes out of a sigmoid),
    and the operation that made it; also a softmax of a softmax anywhere between the last layer and the loss.
    Why it matters: softmax is applied twice; gradients shrink, and with C classes the loss cannot fall below
    log(1 + (C - 1)/e): 1.46 for ten classes.
    Fix: pass the last linear layer's output; keep the softmax for inference.
    Not a fault when: log_softmax stands before cross_entropy (the second one changes nothing).
    References: the article's reason 19; torch.nn.CrossEntropyLoss.
    """

    reason = "R19"
    name = "softmax-before-cross-entropy"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        inputs = [item for item in loss_inputs(case) if item.call.name == "cross_entropy"]
        twice = list(self._twice(case))
        if not inputs and not twice:
            raise NotApplicable("no cross-entropy in this program")
        seen: set[object] = set()
        for item in inputs:
            finding = self._finding_of(case, item)
            if finding is not None and str(finding.where) not in seen:
                seen.add(str(finding.where))
                yield finding
        for finding in twice:
            if not seen:
                seen.add(str(finding.where))
                yield finding

    def _finding_of(self, case: Case, item: LossInput) -> Finding | None:
        axis = class_axis(item.call)
        if axis is None:
            return None
        made = item.maker is not None and item.maker.name in SQUASHING
        if not made and not sums_to_one(item.call.input, axis):
            return None
        classes = item.call.input.shape[axis]
        floor = math.log(1 + (classes - 1) / math.e)
        rows = item.call.input.numel() // max(1, classes)
        kind = f"the output of {described(item.maker)}" if made else "probabilities"
        low, high = float(item.call.input.min()), float(item.call.input.max())
        place = activation_place(case, item) if made else item.call.place
        return self.fault(
            f"cross_entropy got {kind}: all {rows} rows lie in [{low:.2g}, {high:.2g}] where logits are expected; the "
            f"loss cannot fall below {floor:.2f}",
            where=place or item.call.place,
            module=item.maker.module_path if item.maker is not None else None,
            evidence=(
                Evidence("smallest and largest loss input", f"{low:.3g} to {high:.3g}", "any real number"),
                Evidence("loss line", str(item.call.place)),
            ),
            remedy=f"pass the logits to cross_entropy: remove {described(item.maker)} before the loss, and apply it "
            "for inference only",
            explains=EXPLAINS,
            exact=True,
        )

    def _twice(self, case: Case) -> Iterator[Finding]:
        """A softmax whose input is already the output of a softmax or sigmoid, on the way to a loss."""
        for index in loss_indices(case.lab):
            operations = case.lab.operations(index)
            after = _after_last_parameters(operations.on_path())
            for call in after:
                if call.name not in EXPECT_LOGITS or not call.inputs:
                    continue
                maker, _ = maker_of(operations, call.inputs[0], before=call)
                if maker is None or maker.name not in SQUASHING or maker not in after:
                    continue
                yield self.fault(
                    f"{call.name} is applied to the output of {described(maker)}: probabilities are normalized "
                    "twice on the way to the loss",
                    where=made_at(case, maker),
                    module=maker.module_path,
                    evidence=(Evidence("second normalization", f"{call.name} at {call.place}", "one"),),
                    remedy=f"remove {described(maker)} before {call.name}",
                    explains=EXPLAINS,
                    exact=True,
                )


def _after_last_parameters(path: list[Operation]) -> list[Operation]:
    """The operations after the last one with parameters (attention weights and gates lie before it)."""
    last = max(
        (number for number, call in enumerate(path) if any(i.is_leaf and i.requires_grad for i in call.inputs)),
        default=-1,
    )
    return path[last + 1 :]
