"""From a stored trace to the numbers of the charts."""

from __future__ import annotations

import math
from collections import defaultdict

from markupsafe import Markup

from paramedic.report.svg import MAX_COLUMNS, MAX_LAYERS, Heat, curve, heat_map
from paramedic.trace.store import LayerRow, Trace, TraceError

QUANTITIES = (
    ("activation", "Activations: root mean square per layer"),
    ("gradient", "Gradients: root mean square per layer"),
    ("update", "Updates: root mean square per layer, relative to the weights where both are known"),
)


def charts(trace: Trace | None) -> list[tuple[str, Markup]]:
    """(title, SVG) for what the trace has; nothing of a trace that cannot be read."""
    if trace is None:
        return []
    try:
        found = [*_curves(trace), *_heat_maps(trace)]
    except TraceError:
        return []
    return [(title, svg) for title, svg in found if svg is not None]


def _curves(trace: Trace) -> list[tuple[str, Markup | None]]:
    steps = trace.steps()
    gradient = [(float(row.step), row.gradient_norm) for row in steps if row.gradient_norm is not None]
    return [
        ("Loss", curve([(float(row.step), row.loss) for row in steps], "loss over the steps")),
        (
            "Learning rate",
            curve([(float(row.step), row.lr) for row in steps], "learning rate over the steps"),
        ),
        ("Gradient norm", curve(gradient, "gradient norm over the steps")),
    ]


def _heat_maps(trace: Trace) -> list[tuple[str, Markup | None]]:
    rows = {quantity: trace.layers(quantity) for quantity in ("activation", "gradient", "update", "weight")}
    weights = {(row.step, row.path): root_mean_square(row) for row in rows["weight"]}
    result = []
    for quantity, title in QUANTITIES:
        cells: dict[str, dict[int, float]] = defaultdict(dict)
        for row in rows[quantity]:
            value = root_mean_square(row)
            weight = weights.get((row.step, row.path)) if quantity == "update" else None
            cells[row.path][row.step] = value / weight if weight else value
        result.append((title, heat_map(_heat(cells), title)))
    return result


def root_mean_square(row: LayerRow) -> float:
    """sqrt(mean² + std²); infinite where a share of the elements is not finite."""
    if row.nonfinite > 0:
        return math.inf
    return math.hypot(row.mean, row.std)


def _heat(cells: dict[str, dict[int, float]]) -> Heat:
    """The first MAX_LAYERS layers in the order they were seen, and at most MAX_COLUMNS of the steps."""
    steps = sorted({step for row in cells.values() for step in row})
    stride = max(1, math.ceil(len(steps) / MAX_COLUMNS))
    columns = steps[::stride]
    labels = tuple(cells)[:MAX_LAYERS]
    return Heat(
        labels, tuple(columns), tuple(tuple(cells[label].get(step) for step in columns) for label in labels)
    )
