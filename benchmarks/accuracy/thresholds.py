"""The fixed thresholds that other tools publish, applied to the trace that paramedic recorded of the same run.

Each rule is read as its tool states it; the row is the reason of the catalogue that the rule's own message speaks of.
A rule that needs what a trace does not hold (a run of fewer than 20 steps, no hidden layers) says nothing.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from paramedic.trace.store import LayerRow, Trace

HIGH_RATE = 0.01  # UMLAUT, heuristics.py
LOW_STD, HIGH_STD = 0.5, 2.0  # the article's reason 35; DeepChecker, settings.yaml ("Distribution")
LOW_UPDATE, HIGH_UPDATE = 1e-4, 1e-1  # DeepChecker, settings.yaml; mean absolute update over mean absolute weight
PERIOD, LEAST_FALL = 10, 0.05  # DeepChecker, settings.yaml: steps, and the share that the loss has to fall by
LEAST_RATIO = 1e-3  # AUTOTRAINER, monitor.py: norm of the first layer's gradient over that of the last one's


@dataclass(frozen=True)
class Rule:
    """reasons: the rows that its tool's message names. fires: whether it alarms on a run."""

    name: str
    reasons: tuple[str, ...]
    fires: Callable[[Trace], bool]


def high_rate(trace: Trace) -> bool:
    return any(row.lr > HIGH_RATE for row in trace.steps())


def activation_spread(trace: Trace) -> bool:
    return any(not LOW_STD <= row.std <= HIGH_STD for row in trace.layers("activation") if math.isfinite(row.std))


def size(row: LayerRow) -> float:
    """Root mean square: the trace keeps no mean of absolute values; for bell-shaped values the ratio is the same."""
    return math.hypot(row.mean, row.std)


def update_ratio(trace: Trace) -> bool:
    weights = {(row.step, row.path): size(row) for row in trace.layers("weight")}
    ratios = [
        size(row) / weights[row.step, row.path]
        for row in trace.layers("update")
        if weights.get((row.step, row.path), 0.0) > 0
    ]
    return any(not LOW_UPDATE <= ratio <= HIGH_UPDATE for ratio in ratios)


def slow_loss(trace: Trace) -> bool:
    """Whether the mean loss of some ten steps is not 5 % below that of the ten before."""
    losses = [row.loss for row in trace.steps()]
    means = [statistics.fmean(losses[at : at + PERIOD]) for at in range(0, len(losses) - PERIOD + 1, PERIOD)]
    return any(not after <= before - LEAST_FALL * abs(before) for before, after in zip(means, means[1:], strict=False))


def vanishing_ratio(trace: Trace) -> bool:
    by_step: dict[int, list[LayerRow]] = {}
    for row in trace.layers("gradient"):
        if row.path.endswith("weight"):
            by_step.setdefault(row.step, []).append(row)
    ends = [(size(rows[0]), size(rows[-1])) for rows in by_step.values() if len(rows) > 1]
    return any(first < LEAST_RATIO * last for first, last in ends)


RULES = (
    Rule("learning rate > 0.01 (UMLAUT)", ("R36",), high_rate),
    Rule("activation std outside 0.5-2 (the article, DeepChecker)", ("R35", "R28", "R33"), activation_spread),
    Rule("update ratio outside 1e-4..1e-1 (DeepChecker)", ("R36", "R33"), update_ratio),
    Rule("loss not 5 % lower every 10 steps (DeepChecker)", ("R36", "R31", "R34"), slow_loss),
    Rule("gradient of the first layer < 1e-3 of the last one's (AUTOTRAINER)", ("R35",), vanishing_ratio),
)


def alarms(trace: Trace) -> list[str]:
    """Names of the rules that alarm on a recorded run."""
    return [rule.name for rule in RULES if rule.fires(trace)]


def reasons(fired: Sequence[str]) -> list[str]:
    """The rows that the alarms speak of, in the rules' order."""
    return [reason for rule in RULES if rule.name in fired for reason in rule.reasons]
