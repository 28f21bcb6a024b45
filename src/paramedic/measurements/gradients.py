"""Finite differences against automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

DIRECTIONS = 3
STEP = 1e-6  # of the input's scale, in float64: rounding and curvature both below 1e-8
STEP_SINGLE = 1e-2  # of the input's scale, in float32
NOTHING = 1e-8  # of the other derivative; below it a derivative counts as zero


@dataclass(frozen=True)
class Derivatives:
    """Directional derivatives of a function with respect to one of its tensors, in a few random directions.

    numeric: by central differences; automatic: by the backward pass (0 where it gives no gradient).
    missing: the backward pass gives no gradient at all. copies: the gradient is exactly the one that came in.
    """

    numeric: tuple[float, ...]
    automatic: tuple[float, ...]
    missing: bool = False
    copies: bool = False

    @property
    def error(self) -> float:
        """Median over the directions of |numeric - automatic| / max(|numeric|, |automatic|)."""
        return float(torch.tensor([
            abs(a - b) / max(abs(a), abs(b)) if max(abs(a), abs(b)) > 0 else 0.0
            for a, b in zip(self.numeric, self.automatic, strict=True)
        ], dtype=torch.float64).median())

    @property
    def flat(self) -> bool:
        """The function does not change with the input (rounding, thresholds), but a gradient is given."""
        return all(abs(a) <= NOTHING * abs(b) for a, b in zip(self.numeric, self.automatic, strict=True))

    @property
    def ratio(self) -> float:
        """Automatic over numeric derivative, median over the directions."""
        ratios = [b / a for a, b in zip(self.numeric, self.automatic, strict=True) if a != 0]
        return float(torch.tensor(ratios, dtype=torch.float64).median()) if ratios else float("inf")


def directional(
    function: Callable[[Sequence[Tensor]], Tensor], inputs: Sequence[Tensor], which: int, gradient: Tensor | None,
    generator: torch.Generator, *, copies: bool = False, directions: int = DIRECTIONS,
) -> Derivatives:
    """Derivatives of ``function(inputs)`` (a scalar) with respect to ``inputs[which]``.

    gradient: what the backward pass gives for it, or None.
    """
    value = inputs[which].detach()
    double = value.dtype == torch.float64
    spread = float(value.std()) if value.numel() > 1 else float(value.abs().sum())
    step = (STEP if double else STEP_SINGLE) * max(spread, 1e-3)
    numeric, automatic = [], []
    for _ in range(directions):
        direction = torch.randn(value.shape, generator=generator, device="cpu", dtype=torch.float64).to(value)
        ends = []
        for sign in (1, -1):
            moved = list(inputs)
            moved[which] = value + sign * step * direction
            with torch.no_grad():
                ends.append(float(function(moved)))
        numeric.append((ends[0] - ends[1]) / (2 * step))
        automatic.append(float((gradient.double() * direction.double()).sum()) if gradient is not None else 0.0)
    return Derivatives(tuple(numeric), tuple(automatic), gradient is None, copies)
