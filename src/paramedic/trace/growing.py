"""A trace that is still written: each look reads what is new, and keeps of it what a page can show."""

from __future__ import annotations

import math
from pathlib import Path

from paramedic.trace.store import Event, LayerRow, StepRow, Trace

# More than the charts show (400 points of a curve, 60 columns and 60 layers of a heat map); with them a look at a run of
# 200,000 steps takes a tenth of a second instead of four seconds (2026-11).
MOST_STEPS = 4_000
MOST_COLUMNS = 128
MOST_PATHS = 64
BUCKET = 4  # rows; the lowest and the highest loss of each stay


class GrowingTrace(Trace):
    """``look`` before reading: steps, events and layers are those of the last look, meta values the present ones."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._seen = {"steps": 0, "events": 0, "layers": 0}
        self._steps: list[StepRow] = []
        self._events: list[Event] = []
        self._layers: dict[str, list[LayerRow]] = {}
        self._paths: dict[str, set[str]] = {}
        self.version = 0  # another one wherever a look found something

    def look(self) -> None:
        """Read what was written since the last look."""
        new = {table: self._new(table) for table in self._seen}
        self._steps += map(self._step, new["steps"])
        while len(self._steps) > MOST_STEPS:
            self._steps = halved(self._steps)
        self._events += map(self._event, new["events"])
        for row in map(self._layer, new["layers"]):
            paths = self._paths.setdefault(row.quantity, set())
            if row.path in paths or len(paths) < MOST_PATHS:
                paths.add(row.path)
                self._layers.setdefault(row.quantity, []).append(row)
        if new["layers"]:
            self._fewer_columns()
        self.version += any(new.values())

    def _new(self, table: str) -> list[tuple[object, ...]]:
        rows = self._query(f"SELECT rowid, * FROM {table} WHERE rowid > ? ORDER BY rowid", (self._seen[table],))
        if rows:
            self._seen[table] = rows[-1][0]
        return [row[1:] for row in rows]

    def _fewer_columns(self) -> None:
        columns = sorted({row.step for rows in self._layers.values() for row in rows})
        while len(columns) > MOST_COLUMNS:
            columns = columns[::2]
        kept = set(columns)
        self._layers = {name: [row for row in rows if row.step in kept] for name, rows in self._layers.items()}

    def steps(self) -> list[StepRow]:
        return self._steps

    def events(self, kind: str | None = None) -> list[Event]:
        return [event for event in self._events if kind is None or event.kind == kind]

    def layers(self, quantity: str | None = None) -> list[LayerRow]:
        return [row for name, rows in self._layers.items() if quantity is None or name == quantity for row in rows]


def halved(rows: list[StepRow]) -> list[StepRow]:
    """Half of the rows, so that spikes show; the first, the last and the first loss that is not finite stay."""
    kept = [rows[0], rows[-1]]
    kept += [row for row in rows if not math.isfinite(row.loss)][:1]
    for at in range(0, len(rows), BUCKET):
        part = rows[at : at + BUCKET]
        finite = [row for row in part if math.isfinite(row.loss)] or part[:1]
        kept += (min(finite, key=lambda row: row.loss), max(finite, key=lambda row: row.loss))
    return sorted({row.step: row for row in kept}.values(), key=lambda row: row.step)
