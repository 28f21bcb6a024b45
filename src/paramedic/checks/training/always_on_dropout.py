"""Dropout that evaluation mode does not switch off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.modes import evaluated_output, relative_difference
from paramedic.trace.setup import EvaluationRecord

if TYPE_CHECKING:
    from paramedic.experiments.operations import Operation

DROPOUTS = frozenset(
    {"dropout", "dropout_", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "alpha_dropout_", "feature_dropout",
     "feature_dropout_", "feature_alpha_dropout", "feature_alpha_dropout_"}
)
LEAST_DIFFERENCE = 0.01  # of the outputs' standard deviation, between two seeds
MOST_RECORDS = 3


class AlwaysOnDropout(Check):
    """Dropout stays active in evaluation mode.

    What it measures: dropout calls with ``training=True`` in the operation log of a validation batch whose model is in
    evaluation mode; and whether the outputs change with the random seed.
    Why it matters: validation and predictions are blurred by noise, and differ from call to call.
    Fix: ``F.dropout(x, p, training=self.training)``, or an ``nn.Dropout`` made in ``__init__``; for attention
    ``dropout_p=p if self.training else 0.0``.
    Not a fault when: several predictions are averaged on purpose (Monte Carlo dropout).
    References: the article's reason 32; torch.nn.functional.dropout ("training: apply dropout if True").
    """

    reason = "R32"
    name = "always-on-dropout"
    needs = ("evaluation",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        records = [(index, item) for index, item in enumerate(case.setup.evaluations) if not item.training]
        if not records:
            raise NotApplicable("no forward pass in evaluation mode was observed")
        for index, record in records[-MOST_RECORDS:]:
            calls = [call for call in case.lab.evaluation_operations(index).calls if _stays_on(call, record)]
            if not calls:
                continue
            one, _ = evaluated_output(case, record, training=False, seed=0)
            other, _ = evaluated_output(case, record, training=False, seed=1)
            difference = relative_difference(one, other)
            if difference > LEAST_DIFFERENCE:
                yield self._fault_of(calls, difference)
                return

    def _fault_of(self, calls: list[Operation], difference: float) -> Finding:
        call = calls[0]
        rate = dropout_rate(call)
        return self.fault(
            f"dropout is active in evaluation mode: {call.name} with p={rate:g} runs {len(calls)} times per forward "
            f"pass, and two seeds give outputs that differ by {difference:.0%} of their spread (expected 0): "
            "switch it off with training=self.training",
            where=call.place,
            module=call.module_path,
            evidence=(
                Evidence("dropout calls in evaluation mode", len(calls), "0"),
                Evidence("difference between two seeds", round(difference, 4), "0", "standard deviations"),
            ),
            remedy="F.dropout(x, p, training=self.training), or an nn.Dropout made in __init__",
            explains=("R30", "R21", "R25", "R31", "R26", "R22"),
            exact=True,
        )


def dropout_rate(call: Operation) -> float:
    """The probability of a dropout or attention call."""
    if call.name == "scaled_dot_product_attention":
        return float(call.argument(4, "dropout_p", 0.0))
    return float(call.argument(1, "p", 0.5))


def _stays_on(call: Operation, record: EvaluationRecord) -> bool:
    if any(call.module is part and part.training for part in record.model.modules()):
        return False  # a registered layer that the program itself put into training mode
    if call.name == "scaled_dot_product_attention":
        return dropout_rate(call) > 0
    return call.name in DROPOUTS and bool(call.argument(2, "training", True)) and dropout_rate(call) > 0
