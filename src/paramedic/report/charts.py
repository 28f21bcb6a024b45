"""From a stored trace to the numbers of the page's charts, decimated: JSON values only, never raw data."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from paramedic.report.escape import clean
from paramedic.trace.store import LayerRow, StepRow, Trace, TraceError

MAX_POINTS = 400  # of a curve
MAX_CURVES = 12  # of a chart
MAX_COLUMNS, MAX_LAYERS = 60, 60  # of a heat map
MAX_MARKS = 40  # of epochs and changes of mode: more are no help to the eye
MAX_RATE_MARKS = 3  # each has a long text
MAX_PERIOD = 8  # optimizers that take turns

# Per heat map: title, what the colours mean, and how the number is made of a layer row (and its weight's).
HEAT_MAPS = (
    ("activation", "mean", "Activations: mean", "signed"),
    ("activation", "std", "Activations: standard deviation", "log"),
    ("activation", "zero", "Activations: share of zeros (dead units)", "share"),
    ("saturated", "mean", "Activations: share of saturated values (tanh, sigmoid)", "share"),
    ("gradient", "size", "Gradients: root mean square", "log"),
    ("update", "ratio", "Updates relative to the weights (1e-3 is usual)", "log"),
)


def charts(trace: Trace | None) -> dict[str, Any]:
    """Curves, marks and heat maps of what the trace has; empty for a trace that cannot be read."""
    if trace is None:
        return {}
    try:
        steps = trace.steps()
        return {
            "curves": _curves(trace, steps),
            "marks": _marks(trace, steps),
            "heat": _heat_maps(trace),
            "last": steps[-1].step if steps else -1,
        }
    except (TraceError, ValueError):
        return {}


def thinned(points: Sequence[tuple[float, float]], limit: int = MAX_POINTS) -> list[tuple[float, float]]:
    """At most ``limit`` points; of each stretch the lowest and the highest stay, so that spikes show.

    Stretches are equally long, and not of equally many points: of a long run there are fewer from its middle.
    """
    if len(points) <= limit:
        return list(points)
    buckets = limit // 2 - 1
    begin, end = points[0][0], points[-1][0]
    result: list[tuple[float, float]] = []
    for _, together in groupby(points, lambda point: int((point[0] - begin) * buckets / (end - begin + 1))):
        part = list(together)
        finite = [point for point in part if math.isfinite(point[1])]
        if not finite:
            result.append(part[0])
            continue
        low, high = min(finite, key=lambda point: point[1]), max(finite, key=lambda point: point[1])
        result += sorted({low, high})
    return sorted({points[0], *result, points[-1]}, key=lambda point: point[0])


def rounded(value: float) -> float | None:
    """Five digits; None for what JSON cannot hold."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _points(points: Sequence[tuple[float, float]]) -> list[list[float | None]]:
    return [[at, rounded(value)] for at, value in thinned(points)]


# -- curves -----------------------------------------------------------------------------------------------------------


def _curves(trace: Trace, steps: list[StepRow]) -> dict[str, list[dict[str, Any]]]:
    """"loss", "lr" and "gradient": lists of {name, points}; nothing for a curve of fewer than two finite points."""
    losses: dict[str, list[tuple[float, float]]] = defaultdict(list)
    turns = _turns(trace)
    for row in steps:
        name = f"loss before {turns[row.step % len(turns)]}" if turns else "loss"
        losses[name].append((row.step, row.loss))
        for other, value in row.losses.items():
            losses[clean(other, 40)].append((row.step, value))
    rates: dict[str, list[tuple[float, float]]] = defaultdict(list)
    gradients: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in steps:
        whose = f" of {turns[row.step % len(turns)]}" if turns else ""
        rates["learning rate" + whose].append((row.step, row.lr))
        if row.gradient_norm is not None:
            gradients["gradient norm" + whose].append((row.step, row.gradient_norm))
    metrics: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for event in trace.events("evaluated"):
        for name, value in event.data.items():
            if isinstance(value, (int, float)):
                into = losses if name.startswith("loss") else metrics
                into[clean(f"validation {name}", 60)].append((event.step, float(value)))
    found = {"loss": losses, "metric": metrics, "lr": rates, "gradient": gradients}
    return {
        key: [
            {"name": name, "points": _points(points)}
            for name, points in series.items()
            if sum(math.isfinite(value) for _, value in points) > 1
        ][:MAX_CURVES]
        for key, series in found.items()
    }


def _turns(trace: Trace) -> list[str] | None:
    """Which optimizer makes the steps, as the shortest period that fits the recorded ones; None for a single one."""
    events = trace.events("step")
    order = [event.data.get("optimizer") for event in events]
    if len(set(order)) < 2 or any(type(item) is not int for item in order):
        return None
    names = {event.data["optimizer"]: event.data.get("name") for event in events}
    if len({name for name in names.values() if name}) < len(names):  # a name for each, or none
        names = {}
    for period in range(2, MAX_PERIOD + 1):
        if len(order) >= 2 * period and all(item == order[at % period] for at, item in enumerate(order)):
            return [clean(names.get(item) or f"optimizer {item}", 40) for item in order[:period]]
    return None


def _marks(trace: Trace, steps: list[StepRow]) -> list[dict[str, Any]]:
    """Epochs, changes of the learning rate, the first loss that is not finite, changes of mode."""
    marks: list[dict[str, Any]] = []
    bad = next((row.step for row in steps if not math.isfinite(row.loss)), None)
    if bad is not None and any(math.isfinite(row.loss) for row in steps):
        marks.append({"step": bad, "text": "first loss that is not finite", "kind": "bad"})
    epochs = [row.step for before, row in zip(steps, steps[1:], strict=False) if row.epoch > before.epoch]
    marks += [{"step": at, "text": "epoch", "kind": "epoch"} for at in epochs[:: len(epochs) // MAX_MARKS + 1]]
    rates = [
        {"step": row.step, "text": f"learning rate {before.lr:.3g} to {row.lr:.3g}", "kind": "rate"}
        for before, row in zip(steps, steps[1:], strict=False)
        if row.lr != before.lr and math.isfinite(row.lr) and math.isfinite(before.lr)
    ]
    if len(rates) <= MAX_RATE_MARKS and not _turns(trace):  # more is a schedule: its own curve shows it
        marks += rates
    modes = _lasting_modes(trace)
    if len(modes) <= MAX_MARKS // 2:
        marks += [{"step": at, "text": "train()" if on else "eval()", "kind": "mode"} for at, on in modes]
    return marks


def _lasting_modes(trace: Trace) -> list[tuple[int, bool]]:
    """(step, train mode or not) of the changes that a step was made in: not those of a validation pass between two."""
    last = {event.step: bool(event.data.get("training")) for event in trace.events("mode")}
    before, changes = True, []
    for at, on in sorted(last.items()):
        if on != before and at > 0:
            changes.append((at, on))
        before = on
    return changes


# -- heat maps --------------------------------------------------------------------------------------------------------


def _heat_maps(trace: Trace) -> list[dict[str, Any]]:
    rows = {quantity: trace.layers(quantity) for quantity in {"weight", *(item[0] for item in HEAT_MAPS)}}
    weights = {(row.step, row.path): root_mean_square(row) for row in rows["weight"]}
    result = []
    for quantity, measure, title, scale in HEAT_MAPS:
        cells: dict[str, dict[int, float]] = defaultdict(dict)
        for row in rows[quantity]:
            value = _measured(row, measure, weights)
            if value is not None:
                cells[row.path][row.step] = value
        if any(map(len, cells.values())):
            result.append({"title": title, "scale": scale, **_grid(cells)})
    return result


def _measured(row: LayerRow, measure: str, weights: dict[tuple[int, str], float]) -> float | None:
    if row.nonfinite > 0:
        return math.inf
    if measure == "ratio":
        weight = weights.get((row.step, row.path))
        return root_mean_square(row) / weight if weight else None
    return root_mean_square(row) if measure == "size" else getattr(row, measure)


def root_mean_square(row: LayerRow) -> float:
    """sqrt(mean² + std²); infinite where a share of the elements is not finite."""
    if row.nonfinite > 0:
        return math.inf
    return math.hypot(row.mean, row.std)


def _grid(cells: dict[str, dict[int, float]]) -> dict[str, Any]:
    """The first MAX_LAYERS layers in the order they were seen, and at most MAX_COLUMNS of the steps.

    values: [column, layer, number], a text instead of the number where it is not finite.
    """
    steps = sorted({step for row in cells.values() for step in row})
    columns = steps[:: max(1, math.ceil(len(steps) / MAX_COLUMNS))]
    labels = list(cells)[:MAX_LAYERS]
    return {
        "layers": [clean(label, 200) for label in labels],
        "steps": columns,
        "values": [
            [x, y, "not finite" if (value := rounded(cells[label][step])) is None else value]
            for y, label in enumerate(labels)
            for x, step in enumerate(columns)
            if step in cells[label]
        ],
    }
