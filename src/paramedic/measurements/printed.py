"""The curves that a program prints: numbers with names in front of them, line by line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|nan|inf)(?=[^\w.]|\.?$|\.\s|[a-z%]{0,2}\b)")
COUNTERS = frozenset(
    "epoch epochs step steps iter iteration batch batches fold round time seconds lr rate of in after s it min eta".split()
)
HIGHER = re.compile(
    r"acc|r2|r\^2|r²|f1|auc|score|explained|precision|recall|iou|dice|bleu|corr|psnr|ssim|right|correct|hit|purity|map\b", re.I
)
LOWER = re.compile(
    r"loss|err|mse|mae|rmse|perplex|ppl|nll|bce|elbo|wer\b|cer\b|fid\b|entropy|\bkl\b|diverg|cost|deviation|negative", re.I
)
SCORE = 1.5  # scores up to about 1 are compared as they are, others (percent, decibel) by their size
LOSS = re.compile(r"loss|nll|\bbce\b|elbo|entropy|\bce\b|cost|objective", re.I)
HELD_OUT = re.compile(r"val|test|eval|dev\b|held|unseen", re.I)


def curves(text: str) -> dict[str, list[float]]:
    """Name in lower case -> its values in the order of the output. Counters (epoch, step) and bare numbers are left out."""
    found: dict[str, list[float]] = {}
    for line in text.splitlines():
        end = 0
        for match in NUMBER.finditer(line):
            name = _name(line[end : match.start()])
            end = match.end()
            if name and name.split()[-1] not in COUNTERS:
                found.setdefault(name, []).append(float(match.group()))
    return found


def _name(text: str) -> str:
    """The words between two numbers: "test accuracy" of ", test accuracy: "."""
    words = re.findall(r"[^\W\d][\w²^@]*(?:[/-][\w²]+)*", text)
    return " ".join(words[-4:]).lower()


def direction(name: str) -> int:
    """1 if higher is better, -1 if lower is, 0 if the name does not say."""
    if "negative" in name or "error" in name:
        return -1
    if HIGHER.search(name):
        return 1
    return -1 if LOWER.search(name) else 0


def is_loss(name: str) -> bool:
    """Whether a figure is the loss that is trained, by its name: it is another one where the loss is another one."""
    return LOSS.search(name) is not None


def main_metric(both: Sequence[Mapping[str, Sequence[float]]]) -> str | None:
    """The name that all outputs share and that says most: held out before trained, a score before a loss."""
    shared = set(both[0]).intersection(*both[1:]) if both else set()
    known = [name for name in both[0] if name in shared and direction(name)] if both else []
    return max(
        known, key=lambda name: (HELD_OUT.search(name) is not None, direction(name) > 0, known.index(name)), default=None
    )


def last(values: Sequence[float]) -> float:
    return values[-1] if values else math.nan


def better(name: str, before: float, after: float, least: float = 0.02) -> int:
    """1 if ``after`` is better by more than ``least`` of the larger one (0.02 of a score), -1 if worse, 0 otherwise.

    A value that is not finite is worse than any other.
    """
    if not (math.isfinite(before) and math.isfinite(after)):
        return int(math.isfinite(after)) - int(math.isfinite(before))
    sign, largest = direction(name), max(abs(before), abs(after))
    scale = largest if sign < 0 or largest > SCORE else 1.0
    change = sign * (after - before)
    return 1 if change > least * scale else -1 if change < -least * scale else 0
