"""Probabilities where the binary cross-entropy expects logits."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import (
    LossInput,
    activation_place,
    described,
    loss_inputs,
    made_at,
    maker_of,
    reach,
)

SQUASHING = frozenset({"sigmoid", "softmax", "gumbel_softmax"})
LARGE = 100.0  # outputs of this size saturate any sigmoid
SLACK = 1e-3
UNREACHED = 0.05  # a probability that stays this far from both 0 and 1, whatever the network does
EXPLAINS = ("R36", "R35", "R31", "R28", "R24", "R17", "R30", "R18", "S5", "R33", "R08", "R29", "R34")


class SigmoidBeforeBceWithLogits(Check):
    """Binary cross-entropy with logits receives probabilities.

    What it measures: whether the loss input comes out of a sigmoid or softmax and stays in [0, 1] when the outputs
    of the last layer are made as large as can be; and whether the input of a plain binary cross-entropy went
    through two sigmoids, so that it cannot come near 0 or 1.
    Why it matters: the loss applies a second sigmoid: probabilities are confined to 0.5-0.73, so the loss of
    negatives cannot fall below 0.69, and gradients shrink.
    Fix: pass the logits, or use binary_cross_entropy with the sigmoid's output.
    Not a fault when: never known to be deliberate.
    References: the article's reason 19; torch.nn.BCEWithLogitsLoss.
    """

    reason = "R19"
    name = "sigmoid-before-bce-with-logits"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        names = ("binary_cross_entropy_with_logits", "binary_cross_entropy", "multilabel_soft_margin_loss",
                 "soft_margin_loss")
        inputs = [item for item in loss_inputs(case) if item.call.name in names]
        if not inputs:
            raise NotApplicable("no binary cross-entropy in this program")
        seen: set[str] = set()
        for item in inputs:
            plain = item.call.name == "binary_cross_entropy"
            with case.lab.at("initial"):
                finding = self._twice(case, item) if plain else self._probabilities(case, item)
            if finding is not None and str(finding.where) not in seen:
                seen.add(str(finding.where))
                yield finding

    def _probabilities(self, case: Case, item: LossInput) -> Finding | None:
        made = item.maker is not None and item.maker.name in SQUASHING
        reached = reach(item.tail, item.call.input, LARGE) if item.tail is not None else None
        confined = reached is not None and -SLACK <= float(reached[0].min()) and float(reached[1].max()) <= 1 + SLACK
        if not confined and not (made and reached is None):
            return None
        if not made and not (reached is not None and float(reached[1].max()) - float(reached[0].min()) > 0.5):
            return None
        low, high = float(item.call.input.min()), float(item.call.input.max())
        place = activation_place(case, item) if made else item.call.place
        return self.fault(
            f"{item.call.name} got the output of {described(item.maker)} ({low:.2g} to {high:.2g}) where logits are "
            "expected: a second sigmoid confines the probabilities to 0.5-0.73",
            where=place or item.call.place,
            module=item.maker.module_path if item.maker is not None else None,
            evidence=(
                Evidence("smallest and largest loss input", f"{low:.3g} to {high:.3g}", "any real number"),
                Evidence("loss line", str(item.call.place)),
            ),
            remedy=f"remove {described(item.maker)} before the loss, or use binary_cross_entropy",
            explains=EXPLAINS,
            exact=True,
        )

    def _twice(self, case: Case, item: LossInput) -> Finding | None:
        if item.maker is None or item.maker.name != "sigmoid" or not item.maker.inputs:
            return None
        first, _ = maker_of(item.operations, item.maker.inputs[0], before=item.maker)
        if first is None or first.name not in SQUASHING:
            return None
        reached = reach(item.tail, item.call.input, LARGE) if item.tail is not None else None
        if reached is not None and (float(reached[0].min()) < UNREACHED and float(reached[1].max()) > 1 - UNREACHED):
            return None
        return self.fault(
            f"binary_cross_entropy got a sigmoid of {described(first)}: probabilities can only be between 0.5 and 0.73",
            where=made_at(case, first),
            module=first.module_path,
            evidence=(Evidence("second sigmoid", str(item.maker.place), "one"),),
            remedy="apply one sigmoid only",
            explains=EXPLAINS,
            exact=True,
        )
