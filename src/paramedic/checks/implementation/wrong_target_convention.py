"""Targets in another convention than the one that a loss of torch is defined for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import loss_inputs
from paramedic.experiments.operations import LossCall

SHARE = 0.05  # of the rows, below which a wrong row may be a mistake in the data rather than in the convention
SEVERAL = 1.5  # a sum of probabilities above this is a row with several labels
EXPLAINS = ("R18", "R36", "R35", "R31", "R28", "R24", "R17", "R30", "S5", "R33", "R08", "R29", "R34", "R05", "R20", "R21")


@dataclass(frozen=True)
class Mismatch:
    """What a target holds and what the loss makes of it. share: of the rows (or values), in [0, 1]."""

    what: str
    expected: str
    consequence: str
    remedy: str
    share: float


def signs(call: LossCall) -> Mismatch | None:
    """Losses of pairs and margins take 1 and -1; a 0 makes a constant of the loss, or drops the pair."""
    position = 2 if call.name in ("cosine_embedding_loss", "margin_ranking_loss") else 1
    target = call.argument(position, "target")
    if not isinstance(target, Tensor) or not target.numel():
        return None
    zeros, ones = target == 0, target == 1
    if not bool((zeros | ones).all()) or not bool(zeros.any()):
        return None
    effect = {
        "cosine_embedding_loss": "pairs with 0 add nothing to the loss",
        "margin_ranking_loss": "pairs with 0 add the constant margin",
        "soft_margin_loss": "samples with 0 add the constant log(2)",
        "hinge_embedding_loss": "pairs with 0 count as near and as far at once",
    }[call.name]
    return Mismatch("0 and 1", "1 and -1", effect, "2 * target - 1", float(zeros.double().mean()))


def padded_indices(call: LossCall) -> Mismatch | None:
    """MultiLabelMarginLoss takes the indices of the labels, then -1; rows of 0 and 1 are read as the labels 0 and 1."""
    target = call.argument(1, "target")
    if not isinstance(target, Tensor) or target.dim() < 2 or target.shape[-1] < 3:
        return None
    if not bool(((target == 0) | (target == 1)).all()):
        return None
    return Mismatch(
        "rows of 0 and 1", "indices of the labels, padded with -1", "they are read as the labels 0 and 1 again and again",
        "multilabel_soft_margin_loss or binary_cross_entropy_with_logits, which take rows of 0 and 1", 1.0,
    )  # fmt: skip


def blank_among_symbols(call: LossCall) -> Mismatch | None:
    """The blank of CTC is no symbol: a target that holds it cannot be aligned as meant."""
    targets, lengths = call.argument(1, "targets"), call.argument(3, "target_lengths")
    blank = call.argument(4, "blank", 0)
    if not isinstance(targets, Tensor) or not isinstance(blank, int) or not targets.numel():
        return None
    sizes = torch.as_tensor(lengths).reshape(-1).tolist()
    if targets.dim() == 2:
        used = torch.cat([row[:size] for row, size in zip(targets, sizes, strict=False)])
    else:
        used = targets[: sum(sizes)]
    if not used.numel():
        return None
    share = float((used == blank).double().mean())
    return Mismatch(
        f"the blank ({blank}) as a symbol", "no blank", "a symbol that means 'nothing here' is trained to be printed",
        f"number the symbols so that {blank} is free, or pass blank=C - 1 with C outputs for C - 1 symbols; check the "
        "targets' lengths",
        share,
    ) if share > 0 else None  # fmt: skip


def several_labels(call: LossCall) -> Mismatch | None:
    """Cross-entropy takes one class, or probabilities that sum to 1; not several labels at once."""
    target = call.target
    if target is None or not target.is_floating_point() or target.shape != call.input.shape or target.dim() < 2:
        return None
    if not bool(((target == 0) | (target == 1)).all()):
        return None
    sums = target.detach().double().sum(1)
    several = float((sums > SEVERAL).double().mean())
    most = float(sums.max())
    return Mismatch(
        f"several labels (up to {most:.0f})", "one class, or probabilities that sum to 1",
        f"the softmax shares one unit among them: each can reach {1 / most:.2g} at most", "binary_cross_entropy_with_logits",
        several,
    ) if several else None  # fmt: skip


def logarithms(call: LossCall) -> Mismatch | None:
    """kl_div takes probabilities as targets, or their logarithms with log_target=True."""
    target = call.argument(1, "target")
    if not isinstance(target, Tensor) or not target.numel() or not target.is_floating_point():
        return None
    values = target.detach().double()
    if call.argument(5, "log_target", False):
        if float(values.min()) < 0 or float(values.max()) > 1 or float(values.max()) == 0:
            return None
        return Mismatch("probabilities", "logarithms (log_target=True)", "their exponentials are taken for the target",
                        "log_target=False", 1.0)  # fmt: skip
    share = float((values < 0).double().mean())
    return Mismatch("logarithms", "probabilities (log_target=False)", "their products with logarithms are taken for a distance",
                    "log_target=True", share) if share else None  # fmt: skip


RULES: dict[str, Callable[[LossCall], Mismatch | None]] = {
    "cosine_embedding_loss": signs,
    "margin_ranking_loss": signs,
    "soft_margin_loss": signs,
    "hinge_embedding_loss": signs,
    "multilabel_margin_loss": padded_indices,
    "ctc_loss": blank_among_symbols,
    "cross_entropy": several_labels,
    "kl_div": logarithms,
}


class WrongTargetConvention(Check):
    """A loss receives targets in another convention than the one it is defined for.

    What it measures: the values of the targets against the loss function's definition: 0 and 1 where 1 and -1 are expected
    (pairs, rankings, margins), rows of 0 and 1 where indices are expected, CTC's blank among the symbols, several labels
    for a cross-entropy of one class, logarithms for probabilities.
    Why it matters: torch does not complain; part of the samples adds a constant, or another task is trained.
    Fix: the form that the message names.
    Not a fault when: a softmax over several labels is wanted (shares of one unit): divide the rows by their sums.
    References: the article's reason 19; the definitions in torch.nn (CosineEmbeddingLoss, MarginRankingLoss, SoftMarginLoss,
    HingeEmbeddingLoss, MultiLabelMarginLoss, CTCLoss, CrossEntropyLoss, KLDivLoss).
    """

    reason = "R19"
    name = "wrong-target-convention"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        items = [item for item in loss_inputs(case) if item.call.name in RULES]
        if not items:
            raise NotApplicable("no loss with a convention for its targets")
        seen: set[str] = set()
        for item in items:
            found = RULES[item.call.name](item.call)
            if found is None or found.share < SHARE or str(item.call.place) in seen:
                continue
            seen.add(str(item.call.place))
            yield self._finding_of(item.call, found)

    def _finding_of(self, call: LossCall, found: Mismatch) -> Finding:
        report = self.suspect if call.name == "cross_entropy" else self.fault
        return report(
            f"{call.name} got {found.what} as targets where {found.expected} are expected: {found.consequence} "
            f"({found.share:.0%} of the targets)",
            where=call.place,
            module=call.module_path,
            evidence=(
                Evidence("share of the targets", round(found.share, 3), f"below {SHARE:.0%}"),
                Evidence("what the targets hold", found.what, found.expected),
            ),
            remedy=f"use {found.remedy}",
            explains=EXPLAINS,
            exact=call.name != "cross_entropy",
        )
