"""Probabilities where log-probabilities are expected."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import described, made_at, sums_to_one
from paramedic.checks.implementation.nll_loss_without_log_softmax import (
    EXPLAINS,
    log_class_axis,
    log_probability_inputs,
)


class ProbabilitiesInNll(Check):
    """nll_loss (or kl_div) receives probabilities where it expects their logarithms.

    What it measures: whether the rows of the loss input lie in [0, 1] and sum to 1.
    Why it matters: the loss is then minus the mean probability, between -1 and 0: its gradient vanishes for samples
    that are very wrong, just where it is needed.
    Fix: log_softmax in place of softmax, or cross_entropy on the raw outputs.
    Not a fault when: the mean probability is maximized on purpose.
    References: the article's reason 19; torch.nn.NLLLoss, torch.nn.KLDivLoss.
    """

    reason = "R19"
    name = "probabilities-in-nll"
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        for item in log_probability_inputs(case):
            axis = log_class_axis(item)
            made = item.maker is not None and item.maker.name in ("softmax", "sigmoid")
            if axis is None or not (sums_to_one(item.call.input, axis) or made and float(item.call.input.min()) >= 0):
                continue
            where = made_at(case, item.maker) if made and item.maker is not None else item.call.place
            if str(where) in seen:
                continue
            seen.add(str(where))
            low, high = float(item.call.input.min()), float(item.call.input.max())
            yield self.fault(
                f"{item.call.name} got probabilities ({low:.2g} to {high:.2g}, from {described(item.maker)}) where "
                "log-probabilities (at most 0) are expected: the loss is minus the mean probability",
                where=where or item.call.place,
                module=item.maker.module_path if item.maker is not None else None,
                evidence=(
                    Evidence("smallest and largest input", f"{low:.3g} to {high:.3g}", "at most 0"),
                    Evidence("loss line", str(item.call.place)),
                ),
                remedy="log_softmax in place of softmax, or cross_entropy on the raw outputs",
                explains=EXPLAINS,
                exact=True,
            )
