"""Raw outputs where log-probabilities are expected."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import (
    SOFTMAXES,
    LossInput,
    class_axis,
    log_sums_to_one,
    loss_inputs,
    sums_to_one,
)

LARGEST_LOG_PROBABILITY = 1e-3  # of float32 rounding
LOSSES = ("nll_loss", "ctc_loss", "kl_div")
EXPLAINS = ("R18", "R37", "R36", "R35", "R31", "R17", "R28", "R24", "R30", "S5", "R33", "R12", "R29", "R34")


def log_probability_inputs(case: Case) -> list[LossInput]:
    """Inputs of losses that expect log-probabilities."""
    found = [item for item in loss_inputs(case) if item.call.name in LOSSES]
    if not found:
        raise NotApplicable("no loss of log-probabilities (nll_loss, ctc_loss, kl_div) in this program")
    return found


def log_class_axis(item: LossInput) -> int | None:
    return class_axis(item.call) if item.call.name == "nll_loss" else item.call.input.dim() - 1


class NllLossWithoutLogSoftmax(Check):
    """nll_loss receives raw outputs where it expects log-probabilities.

    What it measures: whether the rows of the loss input can be log-probabilities at all (of ctc_loss and kl_div too): none
    above 0, and
    exp of a row sums to 1.
    Why it matters: nll_loss only takes the entry of the right class and turns its sign. Without log_softmax it falls
    without end when all outputs grow, and the network learns to be large, not right.
    Fix: cross_entropy on the raw outputs, or log_softmax before nll_loss.
    Not a fault when: the scores are log-probabilities that are not normalized on purpose (none of them above 0).
    References: the article's reason 19; torch.nn.NLLLoss.
    """

    reason = "R19"
    name = "nll-loss-without-log-softmax"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        for item in log_probability_inputs(case):
            axis = log_class_axis(item)
            values = item.call.input.detach()
            if axis is None or sums_to_one(values, axis) or log_sums_to_one(values, axis):
                continue
            if item.maker is not None and item.maker.name in SOFTMAXES:
                continue  # softmax-over-wrong-dimension and probabilities-in-nll speak about these
            largest = float(values.max())
            if not largest > LARGEST_LOG_PROBABILITY or str(item.call.place) in seen:
                continue
            seen.add(str(item.call.place))
            total = float(values.double().exp().sum(axis).median())
            yield self.fault(
                f"{item.call.name} got raw outputs: the largest is {largest:.3g} (log-probabilities are at most 0) and "
                f"exp of a row sums to {total:.3g} (expected 1)",
                where=item.call.place,
                module=item.maker.module_path if item.maker is not None else None,
                evidence=(
                    Evidence("largest input", largest, "at most 0"),
                    Evidence("median row sum of exp(input)", total, "1"),
                ),
                remedy="use cross_entropy on these outputs, or apply log_softmax over the classes first",
                explains=EXPLAINS,
                exact=True,
            )
