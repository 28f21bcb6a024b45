"""Small charts as inline SVG: numbers in, markup out. Text in them is escaped here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from paramedic.report.escape import clean, number

# 420 units wide: on a phone (about 370 pixels) the text keeps almost its size.
CURVE_WIDTH, CURVE_HEIGHT = 420, 150
LEFT, RIGHT, TOP, BOTTOM = 50, 6, 8, 20
MAX_POINTS = 400
LOG_RATIO = 50.0  # a curve that spans more than this factor, all of it positive, is drawn on a log axis
MAX_COLUMNS, MAX_LAYERS = 60, 60
HEAT_LABEL, HEAT_WIDTH, HEAT_ROW, HEAT_NAME = 120, 300, 13, 20
MIN_DECADES = 1.0


@dataclass(frozen=True)
class Heat:
    """A heat map: values[layer][column], None where nothing was measured."""

    labels: tuple[str, ...]
    steps: tuple[int, ...]
    values: tuple[tuple[float | None, ...], ...]


def thinned(points: Sequence[tuple[float, float]], limit: int = MAX_POINTS) -> list[tuple[float, float]]:
    """At most ``limit`` points; of each bucket the lowest and the highest stay, so that spikes show."""
    if len(points) <= limit:
        return list(points)
    buckets = limit // 2 - 1
    result: list[tuple[float, float]] = []
    for bucket in range(buckets):
        part = points[bucket * len(points) // buckets : (bucket + 1) * len(points) // buckets]
        finite = [point for point in part if math.isfinite(point[1])]
        if not finite:
            result.append(part[0])
            continue
        low, high = min(finite, key=lambda point: point[1]), max(finite, key=lambda point: point[1])
        result += sorted({low, high})
    return sorted({points[0], *result, points[-1]}, key=lambda point: point[0])


def curve(points: Sequence[tuple[float, float]], label: str) -> Markup | None:
    """A line over the steps, interrupted where the value is not finite. None below two finite points."""
    points = thinned(points)
    finite = [value for _, value in points if math.isfinite(value)]
    if len(finite) < 2:
        return None
    low, high = min(finite), max(finite)
    logarithmic = low > 0 and high / low > LOG_RATIO
    scale = _scale(low, high, logarithmic)
    first, last = points[0][0], points[-1][0]

    def x(step: float) -> float:
        return LEFT + (CURVE_WIDTH - LEFT - RIGHT) * (step - first) / max(last - first, 1e-12)

    def y(value: float) -> float:
        return TOP + (CURVE_HEIGHT - TOP - BOTTOM) * (1 - scale(value))

    lines = "".join(f'<polyline points="{part}"/>' for part in _pieces(points, x, y))
    bottom = CURVE_HEIGHT - BOTTOM
    return Markup(
        '<svg class="curve" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<path class="axis" d="M{left} {top}V{bottom}H{right}"/>{lines}'
        '<text x="{at}" y="{top_text}" text-anchor="end">{high}</text>'
        '<text x="{at}" y="{bottom}" text-anchor="end">{low}</text>'
        '<text x="{left}" y="{foot}">step {first}</text>'
        '<text x="{right}" y="{foot}" text-anchor="end">{last}{log}</text></svg>'
    ).format(
        w=CURVE_WIDTH, h=CURVE_HEIGHT, label=clean(label, 120), left=LEFT, top=TOP, bottom=bottom,
        right=CURVE_WIDTH - RIGHT, lines=Markup(lines), at=LEFT - 6, top_text=TOP + 8, high=number(high),
        low=number(low), foot=CURVE_HEIGHT - 6, first=number(first), last=number(last),
        log=" (log scale)" if logarithmic else "",
    )  # fmt: skip


def _scale(low: float, high: float, logarithmic: bool):
    if logarithmic:
        bottom, top = math.log(low), math.log(high)
        return lambda value: (math.log(value) - bottom) / (top - bottom)
    return lambda value: (value - low) / (high - low) if high > low else 0.5


def _pieces(points: Sequence[tuple[float, float]], x, y) -> list[str]:
    pieces: list[list[str]] = [[]]
    for step, value in points:
        if math.isfinite(value):
            pieces[-1].append(f"{x(step):.1f},{y(value):.1f}")
        elif pieces[-1]:
            pieces.append([])
    return [" ".join(piece) for piece in pieces if piece]


def bars(before: float, after: float, unit: str) -> Markup | None:
    """Before and after as two bars from zero; None where they cannot be drawn on one scale."""
    top = max(before, after)
    if not (0 < top < math.inf) or min(before, after) < 0:
        return None
    rows = ""
    for position, (label, value) in enumerate((("before", before), ("after", after))):
        at = 4 + 26 * position
        rows += Markup(
            '<text x="0" y="{text}">{label}</text><rect class="{label}" x="52" y="{at}" width="{width:.1f}"'
            ' height="18" rx="2"/><text x="{end:.1f}" y="{text}">{value}</text>'
        ).format(
            text=at + 14, label=label, at=at, width=max(1.0, 240 * value / top), end=58 + 240 * value / top,
            value=f"{number(value)} {clean(unit, 20)}",
        )  # fmt: skip
    return Markup(
        '<svg class="bars" viewBox="0 0 370 56" role="img" aria-label="before and after">{}</svg>'
    ).format(Markup(rows))


def heat_map(heat: Heat, label: str) -> Markup | None:
    """Layers downwards, steps to the right; colour is log10 of the value, from the lowest to the highest."""
    values = [value for row in heat.values for value in row if value is not None and 0 < value < math.inf]
    if not values or not heat.steps:
        return None
    low, high = math.log10(min(values)), math.log10(max(values))
    if high - low < MIN_DECADES:  # a smaller spread is no pattern: it must not look like one
        middle = (low + high) / 2
        low, high = middle - MIN_DECADES / 2, middle + MIN_DECADES / 2
    width = HEAT_WIDTH / len(heat.steps)
    parts = []
    for position, (name, row) in enumerate(zip(heat.labels, heat.values, strict=True)):
        top = position * HEAT_ROW
        parts.append(
            Markup('<text x="{}" y="{}" text-anchor="end"><title>{}</title>{}</text>').format(
                HEAT_LABEL - 6, top + 10, clean(name, 200), _shortened(clean(name, 200))
            )
        )
        for column, value in enumerate(row):
            if value is not None:
                parts.append(_cell(HEAT_LABEL + column * width, top, width, value, low, high))
    height = len(heat.labels) * HEAT_ROW
    foot = f"steps {heat.steps[0]} to {heat.steps[-1]}; dark {number(10**low)}, bright {number(10**high)}"
    return Markup(
        '<svg class="heat" shape-rendering="crispEdges" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">{cells}'
        '<text x="{left}" y="{foot_at}">{foot}</text></svg>'
    ).format(
        w=HEAT_LABEL + HEAT_WIDTH, h=height + 20, label=clean(label, 120), cells=Markup("").join(parts),
        left=HEAT_LABEL, foot_at=height + 14, foot=foot,
    )  # fmt: skip


def _cell(x: float, y: float, width: float, value: float, low: float, high: float) -> Markup:
    if not math.isfinite(value):
        colour = "#d33"
    elif value <= 0:
        colour = "#000"
    else:
        share = (math.log10(value) - low) / (high - low)
        colour = f"hsl({250 - 190 * share:.0f} 70% {22 + 50 * share:.0f}%)"
    return Markup(
        f'<rect x="{x:.1f}" y="{y}" width="{width + 0.2:.1f}" height="{HEAT_ROW - 1}" fill="{colour}"/>'
    )


def _shortened(name: str, limit: int = HEAT_NAME) -> Markup:
    return escape(name if len(name) <= limit else "…" + name[-(limit - 1) :])
