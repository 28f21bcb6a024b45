"""Logits that cannot be negative."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import (
    activation_place,
    class_axis,
    described,
    loss_inputs,
    made_at,
    maker_of,
)
from paramedic.experiments.operations import Operation
from paramedic.trace.place import Place

RECTIFIERS = frozenset({"relu", "relu_", "relu6", "threshold", "clamp_min", "clamp_min_"})
LOGITS = frozenset({"cross_entropy", "binary_cross_entropy_with_logits", "multi_margin_loss", "multilabel_soft_margin_loss"})
SOFTMAXES = frozenset({"softmax", "log_softmax"})


class RectifiedLogits(Check):
    """The scores of the classes go through a rectifier before the loss: none can be negative.

    What it measures: whether what a loss of logits is given, or what a softmax in front of the loss is given, is the output
    of a ReLU after the last layer; and the share of exact zeros in it.
    Why it matters: a class that is ruled out needs a negative score; a score that is zero has no gradient, so that classes die
    one after the other, and no class can get less than exp(0) beside the others.
    Fix: leave the last layer without an activation.
    Not a fault when: never, in front of a softmax or a sigmoid that a loss contains.
    References: the article's reasons 19 and 33; torch.nn.CrossEntropyLoss.
    """

    reason = "R19"
    name = "rectified-logits"
    also = ("R33",)
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        scores = list(self._scores(case))
        for maker, name, place in scores:
            if maker is None or not _rectifies(maker):
                continue
            finding = self._finding_of(maker, name, place)
            if str(finding.where) not in seen:
                seen.add(str(finding.where))
                yield finding
        if not scores:
            raise NotApplicable("no loss takes scores of classes")

    def _scores(self, case: Case) -> Iterator[tuple[Operation | None, str, Place | None]]:
        """What makes the scores of a loss of logits, or of a softmax before a loss; what takes them; where they are made."""
        inputs = loss_inputs(case)
        for item in inputs:
            if item.call.name in LOGITS:
                yield item.maker, item.call.name, activation_place(case, item) if item.maker is not None else None
        for item in inputs:
            softmax = item.maker
            if softmax is not None and softmax.name in SOFTMAXES and class_axis(item.call) is not None:
                maker, _ = maker_of(item.operations, softmax.inputs[0], before=softmax)
                yield maker, softmax.name, made_at(case, maker) if maker is not None else None

    def _finding_of(self, maker: Operation, loss: str, place: Place | None) -> Finding:
        values = maker.outputs[0].detach()
        zeros = float((values == 0).double().mean())
        return self.fault(
            f"{loss} got the output of {described(maker)}: no score of a class can be negative, and {zeros:.0%} are exactly 0, "
            f"without a gradient (expected any real number): leave the last layer without an activation",
            where=place or maker.place,
            module=maker.module_path,
            evidence=(
                Evidence("smallest score", float(values.min()), "any real number"),
                Evidence("share of scores that are exactly 0", round(zeros, 3), "0"),
            ),
            remedy=f"remove {described(maker)} after the last layer",
            explains=("R18", "R33", "R36", "R35", "R31", "R28", "R24", "R17", "S5", "R30", "R29", "R34", "dead-units"),
            exact=True,
        )


def _rectifies(maker: Operation) -> bool:
    return maker.name in RECTIFIERS and bool(maker.outputs) and float(maker.outputs[0].detach().min()) >= 0.0
