"""Histograms of weights, activations, gradients and updates, by layer and step, as the page draws them: JSON values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from paramedic.measurements.spread import spread
from paramedic.report.charts import rounded
from paramedic.report.escape import clean
from paramedic.trace.store import HistogramRow, Trace, TraceError

QUANTITIES = ("activation", "gradient", "weight", "update", "whole")  # whole: the update over the whole training
MAX_STEPS = 10  # choosable; those recorded of one training are at most eight
MAX_ROWS = 1_800  # about 350 kB of the page
ENDS = {"initial": "at the start", "final": "at the end"}  # by a replay of the first recorded batch


class Shown(NamedTuple):
    """One histogram. when: what the page calls its step; "" where it belongs to none."""

    when: str
    path: str
    quantity: str
    low: float
    high: float
    mean: float
    std: float
    nonfinite: int
    counts: Sequence[int]

    @property
    def layer(self) -> str:
        """The module's path: that of a parameter without its own name."""
        return self.path if self.quantity == "activation" else self.path.rpartition(".")[0] or self.path


def distributions(trace: Trace | None, exhibits: dict[str, Any]) -> dict[str, Any] | None:
    """layers and steps by name, and rows: [layer, step, quantity, parameter, low, high, mean, std, nonfinite, counts].

    A row's layer, step and quantity are positions; the step of an update over the whole training is -1.
    """
    try:
        recorded = trace.histograms() if trace is not None else []
    except (TraceError, ValueError, TypeError):
        recorded = []
    steps = spread(sorted({row.step for row in recorded}), MAX_STEPS)
    shown = [_recorded(row) for row in recorded if row.step in set(steps)]
    shown = [item for item in [*shown, *_examined(exhibits.get("distributions"))] if _drawable(item)]
    layers = _in_order(shown)
    while layers and len(shown) > MAX_ROWS:
        layers = spread(layers, max(1, len(layers) * MAX_ROWS // len(shown)))
        kept = set(layers)
        shown = [item for item in shown if item.layer in kept][: None if len(layers) > 1 else MAX_ROWS]
    if not shown:
        return None
    times = list(dict.fromkeys(item.when for item in shown if item.when))
    layer_at, time_at = ({name: at for at, name in enumerate(names)} for names in (layers, times))
    return {
        "layers": [clean(name, 200) for name in layers],
        "steps": times,
        "rows": [
            [
                layer_at[item.layer],
                time_at.get(item.when, -1),
                QUANTITIES.index(item.quantity),
                "" if item.quantity == "activation" else clean(item.path.rpartition(".")[2], 60),
                *map(rounded, item[3:7]),
                item.nonfinite,
                list(item.counts),
            ]
            for item in shown
        ],
    }


def _in_order(shown: list[Shown]) -> list[str]:
    """Layers as the input passes through them; those whose outputs were not seen come after the one defined before them."""
    order = list(dict.fromkeys(item.layer for item in shown if item.quantity == "activation"))
    known, before = set(order), -1
    for layer in dict.fromkeys(item.layer for item in shown if item.quantity != "activation"):
        if layer not in known:
            known.add(layer)
            order.insert(before + 1, layer)
        before = order.index(layer)
    return order


def _recorded(row: HistogramRow) -> Shown:
    when = f"step {row.step}"
    return Shown(when, row.path, row.quantity, row.low, row.high, row.mean, row.std, row.nonfinite, row.counts)


def _examined(found: Any) -> Iterator[Shown]:
    """What was computed after the end (``diagnosis.exhibits.network.distributions``)."""
    for item in found if isinstance(found, list) else ():
        try:
            whole = item["state"] == "run"
            when, quantity = ("", "whole") if whole else (ENDS[item["state"]], str(item["quantity"]))
            low, high, mean, std = (float(item[key]) for key in ("low", "high", "mean", "std"))
            yield Shown(when, str(item["path"]), quantity, low, high, mean, std, int(item["nonfinite"]), item["bins"])
        except (KeyError, TypeError, ValueError):
            continue


def _drawable(item: Shown) -> bool:
    """Whether its numbers make a picture: a stored trace may have been damaged."""
    numbers = all(map(math.isfinite, item[3:7])) and item.high > item.low and item.std >= 0
    whole = isinstance(item.counts, Iterable) and all(type(count) is int for count in item.counts)
    return numbers and whole and sum(item.counts) > 0 and item.quantity in QUANTITIES
