"""Small drawings that need no script: numbers in, markup out. Text in them is escaped here."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from paramedic.report.context import percent
from paramedic.report.escape import clean, number

BAR_LEFT, BAR_WIDTH, BAR_HEIGHT = 62, 220, 22
LONGEST_UNIT = 8  # characters beside a bar
LINE_WIDTH, LINE_HEIGHT = 160, 56


def bars(
    before: float, after: float, interval: tuple[float, float], show: str = "value", unit: str = ""
) -> Markup | None:
    """Before and after as two bars from zero, the 95 % interval of the change as a whisker on the second.

    interval: of after - before. show: "percent" for shares of the way from chance (0) to perfect (1). None where
    they cannot be drawn on one scale.
    """
    ends = [after_end for end in interval if math.isfinite(after_end := before + end)]
    top = 1.0 if show == "percent" else max([before, after, *ends], default=math.nan)
    if not all(map(math.isfinite, (before, after, top))) or top <= 0 or (show != "percent" and min(before, after) < 0):
        return None

    short = clean(unit, 20) if len(unit) <= LONGEST_UNIT else ""  # the sentence below the bars has it

    def x(value: float) -> float:
        return BAR_LEFT + BAR_WIDTH * max(0.0, min(1.0, value / top))

    def text(value: float) -> str:
        return percent(value) if show == "percent" else f"{number(value)} {short}".rstrip()

    rows = Markup()
    for position, (label, value) in enumerate((("now", before), ("changed", after))):
        at = 4 + 30 * position
        end = max(x(value), *(x(item) for item in ends)) if label == "changed" and ends else x(value)
        rows += Markup(
            '<text x="0" y="{y}">{label}</text><rect class="track" x="{left}" y="{at}" width="{full}" height="{h}"/>'
            '<rect class="{label}" x="{left}" y="{at}" width="{width:.1f}" height="{h}"/>'
            '<text class="value" x="{end:.1f}" y="{y}">{value}</text>'
        ).format(
            y=at + 16, label=label, left=BAR_LEFT, at=at, full=BAR_WIDTH, h=BAR_HEIGHT,
            width=max(2.0, x(value) - BAR_LEFT), end=end + 8, value=text(value),
        )  # fmt: skip
    if len(ends) == 2:
        low, high = x(min(ends)), x(max(ends))
        rows += Markup(
            '<path class="whisker" d="M{low:.1f} 45H{high:.1f}M{low:.1f} 40V50M{high:.1f} 40V50"/>'
        ).format(low=low, high=high)
    label = f"bar chart: now {text(before)}, changed {text(after)}"
    return Markup('<svg class="bars" viewBox="0 0 400 64" role="img" aria-label="{}">{}</svg>').format(label, rows)


def sparkline(channels: Sequence[Sequence[float]], label: str) -> Markup | None:
    """Channels of one series over each other on a common scale; a gap where a value is not finite."""
    finite = [value for channel in channels for value in channel if _finite(value)]
    if len(finite) < 2:
        return None
    low, span = min(finite), (max(finite) - min(finite)) or 1.0
    lines = Markup()
    for position, channel in enumerate(channels):
        pieces: list[list[str]] = [[]]
        for at, value in enumerate(channel):
            if _finite(value):
                x = 2 + (LINE_WIDTH - 4) * at / max(1, len(channel) - 1)
                pieces[-1].append(f"{x:.1f},{2 + (LINE_HEIGHT - 4) * (1 - (value - low) / span):.1f}")
            elif pieces[-1]:
                pieces.append([])
        for piece in pieces:
            if piece:
                lines += Markup('<polyline class="c{}" points="{}"/>').format(position % 6, " ".join(piece))
    return Markup('<svg class="line" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        LINE_WIDTH, LINE_HEIGHT, clean(label, 200), lines
    )


def _finite(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
