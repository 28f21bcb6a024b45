"""Intervals of shares."""

from __future__ import annotations

from math import sqrt

Z = 1.96  # two-sided 95 %


def wilson(hits: int, cases: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927); (0, 1) without cases."""
    if cases == 0:
        return 0.0, 1.0
    share, square = hits / cases, Z * Z / cases
    centre = (share + square / 2) / (1 + square)
    half = Z * sqrt(share * (1 - share) / cases + square / (4 * cases)) / (1 + square)
    return max(0.0, centre - half), min(1.0, centre + half)


def share(hits: int, cases: int) -> str:
    """``33/43 = 77 % (62-87)``."""
    if cases == 0:
        return "-"
    low, high = wilson(hits, cases)
    return f"{hits}/{cases} = {hits / cases:.0%} ({100 * low:.0f}-{100 * high:.0f})"
