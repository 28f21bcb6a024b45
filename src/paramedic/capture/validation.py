"""Validation losses and shares of right answers over the steps, as the program computes them itself.

Only what it computes anyway is read: numbers of calls without gradients, of the batches of a pass that are recorded
(all of them early in a run, the first ones later).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from paramedic.trace.tape import Node, flatten

LOSSES = re.compile(r"_loss$|cross_entropy|^kl_div$")
COMPARISONS = frozenset({"eq", "__eq__"})
CASTS = frozenset({"float", "double", "to", "type", "long", "int", "half", "cpu", "detach"})


def single_number(args: Any, result: Any) -> tuple[float | Tensor, int] | None:
    """A single number (on a device: the tensor, so that nobody waits for it), and how many elements it was made of."""
    if not isinstance(result, Tensor) or result.numel() != 1 or result.requires_grad:
        return None
    if result.is_complex() or result.dim() > 1:
        return None
    first = next((item for item in flatten(args) if isinstance(item, Tensor)), None)
    return float(result) if result.is_cpu else result.detach(), first.numel() if first is not None else 1


class PassValues:
    """Collects the numbers of one pass, and hands them to ``write(step, {name: value})`` when the next one begins."""

    def __init__(self, write: Callable[[int, dict[str, float]], None]) -> None:
        self._write = write
        self._step = -1
        self._sums: dict[str, tuple[float | Tensor, float]] = {}

    def add(self, step: int, nodes: Sequence[Node], where: str) -> None:
        """where: the loader's name, or nothing."""
        if step != self._step:
            self.flush()
            self._step = step
        made = {number: node for node in nodes for number in node.outputs if number is not None}
        for node in nodes:
            if node.value is None:
                continue
            value, count = node.value
            if not isinstance(value, Tensor) and not math.isfinite(value):
                continue
            if LOSSES.search(node.name):
                self._add(f"loss{where}", value, 1.0)
            elif node.name in ("sum", "mean") and _compares(node, made):
                self._add(f"accuracy{where}", value * (count if node.name == "mean" else 1.0), count)

    def _add(self, name: str, value: float | Tensor, weight: float) -> None:
        total, weights = self._sums.get(name, (0.0, 0.0))
        self._sums[name] = total + value, weights + weight

    def flush(self) -> None:
        sums, self._sums = self._sums, {}
        found = {name: float(value) / weight for name, (value, weight) in sums.items()}
        if found := {name: value for name, value in found.items() if math.isfinite(value)}:
            self._write(self._step, found)


def _compares(node: Node, made: dict[int, Node]) -> bool:
    """Whether what is added up are results of a comparison."""
    for _ in range(6):
        source = next((made[number] for number in node.inputs() if number in made), None)
        if source is None:
            return False
        if source.name in COMPARISONS:
            return True
        if source.name not in CASTS:
            return False
        node = source
    return False
