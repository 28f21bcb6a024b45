"""The stored trace: one SQLite file per run, WAL mode, readable at any moment and after any death.

Schema version 1:
    meta(key TEXT PRIMARY KEY, value TEXT)             JSON values: "schema", "program", "environment", "process",
                                                       "ended", "returncode", "cost", "report", "exhibits"
                                                       (pictures of data, the network, ... for the report; at most
                                                       about 1 MB)
    steps(step INTEGER, epoch INTEGER, time REAL, loss REAL, lr REAL, gradient_norm REAL, losses TEXT)
                                                       one row per optimizer step; of a long run, see trace/thinning.py,
                                                       the meta value "thinned" says {"stride": one in so many of the
                                                       older steps stays, "not_finite": losses that went, and were not}
    events(id INTEGER PRIMARY KEY, step INTEGER, time REAL, kind TEXT, data TEXT)
                                                       zero_grad, backward, step, mode, scheduler, loader, epoch,
                                                       evaluation, crash, ... with JSON data
    layers(step INTEGER, path TEXT, quantity TEXT, mean REAL, std REAL, low REAL, high REAL, zero REAL,
           nonfinite REAL)                             quantity: activation, gradient, weight, update,
                                                       saturated (1 where the activation's slope is gone)
    histograms(step INTEGER, path TEXT, quantity TEXT, low REAL, high REAL, mean REAL, std REAL,
               nonfinite INTEGER, counts TEXT)         of some of these tensors at a few steps: the first, later ones at
                                                       growing distances, the last; counts: JSON, in equal bins
Non-finite numbers are stored as NULL with their text in JSON columns. Nothing in a trace is ever unpickled.
"""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar
from urllib.parse import quote

from paramedic.trace import limits

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEMA_VERSION = 1
FINDINGS = "findings.json"  # beside the trace: what is certain while the program still runs
FLUSH_SECONDS = 1.0
LOG_PAGES = 256  # of 4 kB, after which what was written goes from the log into the file
MOST_PHASES = 16  # whose first steps stay
LEAST_THINNED = 1.5  # times as many rows as were left by it must there be before a table is thinned again
MAX_HISTOGRAMS = 6_000  # rows; about 1.5 MB. Above it none is added: the first steps are worth more than the next network

TABLES = ("steps", "events", "layers", "histograms")
_TABLES = """
CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS steps(step INTEGER, epoch INTEGER, time REAL, loss REAL, lr REAL,
    gradient_norm REAL, losses TEXT);
CREATE TABLE IF NOT EXISTS events(id INTEGER PRIMARY KEY, step INTEGER, time REAL, kind TEXT, data TEXT);
CREATE TABLE IF NOT EXISTS layers(step INTEGER, path TEXT, quantity TEXT, mean REAL, std REAL, low REAL,
    high REAL, zero REAL, nonfinite REAL);
CREATE TABLE IF NOT EXISTS histograms(step INTEGER, path TEXT, quantity TEXT, low REAL, high REAL, mean REAL,
    std REAL, nonfinite INTEGER, counts TEXT);
"""


class StepRow(NamedTuple):  # one is made at every step: a third of a frozen dataclass' time
    """One optimizer step. ``loss`` is the last loss that backward was called on before it (nan if unknown)."""

    step: int
    epoch: int
    time: float
    loss: float
    lr: float
    gradient_norm: float | None
    losses: dict[str, float]


@dataclass(frozen=True)
class Event:
    """Something that happened, in order; ``step`` is the number of optimizer steps made before it."""

    id: int
    step: int
    time: float
    kind: str
    data: dict[str, Any]


class LayerRow(NamedTuple):
    """Statistics of one tensor at one step; ``zero`` and ``nonfinite`` are shares of its elements."""

    step: int
    path: str
    quantity: str
    mean: float
    std: float
    low: float
    high: float
    zero: float
    nonfinite: float


class HistogramRow(NamedTuple):
    """How the values of one tensor were distributed at one step; ``counts`` are in equal bins from low to high."""

    step: int
    path: str
    quantity: str
    low: float
    high: float
    mean: float
    std: float
    nonfinite: int
    counts: tuple[int, ...]


Row = TypeVar("Row", StepRow, LayerRow, HistogramRow)
OfTensor = TypeVar("OfTensor", LayerRow, HistogramRow)


class TraceError(Exception):
    """The file is no trace of paramedic, is of a newer version, or is damaged."""


def _json(value: Any) -> str:
    return json.dumps(_plain(value), default=str)  # ASCII: a lone surrogate in a name is no valid UTF-8


def _plain(value: Any) -> Any:
    """Non-finite floats as text (JSON has no NaN), and numpy's and torch's single numbers as Python's."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _storable(row: OfTensor) -> OfTensor:
    """With a path that can be written: a lone surrogate in a name is no valid UTF-8."""
    return row if row.path.isascii() else row._replace(path=row.path.encode("utf-8", "backslashreplace").decode())


class TraceWriter:
    """Buffers rows and writes them at most FLUSH_SECONDS later, from the calling thread.

    A failing disk never reaches the caller: the trace goes on elsewhere or not at all, and ``problem`` says why.
    """

    def __init__(self, path: Path, elsewhere: Path | None = None) -> None:
        """elsewhere: a folder that is made and taken when ``path`` can no longer be written (a full disk); what is
        in the trace so far is copied to it.
        """
        self.path = path
        self.problem: str | None = None
        self._elsewhere = elsewhere
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}
        self._counts = dict.fromkeys(TABLES, 0)
        self._limits = {"steps": limits.MAX_STEPS, "events": limits.MAX_EVENTS, "layers": limits.MAX_LAYER_ROWS}
        self._most = dict(self._limits)  # rows at which a table is thinned: more where what always stays is more
        self._stride, self._not_finite = 1, 0  # see "thinned" above
        self.layer_stride = 1  # of the older steps with layers one in so many stays (see ``limits.stays``)
        self._begun: deque[int] = deque(maxlen=MOST_PHASES)  # first steps of the latest phases
        self._event_id = 0
        self._last_flush = self._last_step = time.monotonic()  # _last_step: when flush_due was asked
        self._start = time.time()
        self._connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
        except (sqlite3.Error, OSError) as error:
            self._fail(error)

    def _open(self) -> None:
        connection = self._connection = sqlite3.connect(
            self.path, timeout=1.0, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={LOG_PAGES * 4096}")
        connection.executescript(_TABLES)
        connection.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (_json(SCHEMA_VERSION),))

    def _fail(self, error: Exception) -> None:
        """Go on elsewhere; where that fails as well, write nothing any more."""
        self.problem = f"the trace could not be written any further ({error}): {self.path}"
        elsewhere, self._elsewhere = self._elsewhere, None
        if elsewhere is not None:
            try:
                self._move(elsewhere)
                return
            except (sqlite3.Error, OSError):
                pass
        self._disconnect()

    def _move(self, folder: Path) -> None:
        old, self._connection = self._connection, None
        before = self.path
        try:
            folder.mkdir(mode=0o700)  # fails where somebody else made it
            self.path = folder / before.name
            with closing(sqlite3.connect(self.path)) as copy:
                try:
                    if old is not None:
                        if old.in_transaction:
                            old.execute("ROLLBACK")
                        old.backup(copy)
                except sqlite3.Error:
                    pass  # unreadable as well: a new trace that begins here
            self._open()
        except (sqlite3.Error, OSError):
            self.path = before
            raise
        finally:
            if old is not None:
                with suppress(sqlite3.Error):
                    old.close()
        self.problem = f"{self.problem}; it goes on in {folder}"

    def settle(self) -> None:
        """Where somebody has deleted the file meanwhile, write it anew elsewhere."""
        if self._connection is not None and not self.path.is_file():
            self.flush()
            self._fail(FileNotFoundError("the file was deleted"))

    def _disconnect(self) -> None:
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def meta(self, key: str, value: Any) -> None:
        """Set one meta value at once."""
        for _ in range(2):  # the second time elsewhere
            if self._connection is None:
                return
            try:
                self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, _json(value)))
                return
            except sqlite3.Error as error:
                self._fail(error)

    def step(self, row: StepRow) -> None:
        self.buffer(row)
        if self.flush_due():
            self.flush()

    def buffer(self, row: StepRow) -> None:
        """Take a step's row; ``flush`` may wait until ``flush_due`` says so."""
        if self._connection is not None:
            losses = _json(row.losses) if row.losses else "{}"
            self._rows["steps"].append((*row[:6], losses))

    def flush_due(self) -> bool:
        """Whether it is time for ``flush``, or steps take so long that a buffered one would die with the process."""
        now = time.monotonic()
        slow = now - self._last_step > FLUSH_SECONDS
        self._last_step = now
        return slow or now - self._last_flush > FLUSH_SECONDS

    def event(self, step: int, kind: str, data: dict[str, Any]) -> None:
        self._event_id += 1
        if kind == "phase":
            self._begun.append(step)
        self._add("events", (self._event_id, step, time.time() - self._start, kind, _json(data)))

    def layer(self, row: LayerRow) -> None:
        self.layers([row])

    def layers(self, rows: Sequence[LayerRow]) -> None:
        """Of one step."""
        if self._connection is not None:
            self._rows["layers"] += map(_storable, rows)
            self._flush_in_time()

    def histogram(self, row: HistogramRow) -> None:
        if self._counts["histograms"] + len(self._rows["histograms"]) < MAX_HISTOGRAMS:
            self._add("histograms", (*_storable(row)[:-1], json.dumps(row.counts)))

    @property
    def last_event(self) -> int:
        """Number of the latest event."""
        return self._event_id

    def _add(self, table: str, values: tuple[Any, ...]) -> None:
        if self._connection is not None:
            self._rows[table].append(values)
            self._flush_in_time()

    def _flush_in_time(self) -> None:
        if time.monotonic() - self._last_flush > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is buffered in one transaction."""
        self._last_flush = time.monotonic()
        for _ in range(2):  # the second time elsewhere
            if self._connection is None:
                break
            try:
                self._write_rows(self._connection)
                break
            except sqlite3.Error as error:
                self._fail(error)
            except Exception as error:  # a value that has no place in a table: these rows are lost, and no others
                self.problem = f"rows could not be written to the trace ({type(error).__name__}: {error}): {self.path}"
                break
        for rows in self._rows.values():
            rows.clear()

    def _write_rows(self, connection: sqlite3.Connection) -> None:
        with _transaction(connection):
            for table, rows in self._rows.items():
                if rows:
                    marks = ",".join("?" * len(rows[0]))
                    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        for table, rows in self._rows.items():
            self._counts[table] += len(rows)
            rows.clear()
        self._bound()

    def _bound(self) -> None:
        """Keep each table below its limit: of what is older, fewer rows (all of them are there until the end of it)."""
        for table, limit in self._limits.items():
            if self._counts[table] > self._most[table]:
                with _transaction(self._connection) as connection:
                    self._thin(connection, table, limit)
                self._counts[table] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
                self._most[table] = max(limit, int(LEAST_THINNED * self._counts[table]))

    def _thin(self, connection: sqlite3.Connection, table: str, limit: int) -> None:
        # It imports NumPy, which the program may want to set up before.
        from paramedic.trace import thinning

        if table == "events":
            thinning.fewer_events(connection)
        elif table == "layers":
            self.layer_stride = thinning.fewer_layers(connection, limit, self.layer_stride)
        else:
            stride, gone = thinning.fewer_steps(connection, limit, self._begun, self._stride)
            thinned = {"stride": stride, "not_finite": self._not_finite + gone}
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('thinned', ?)", (_json(thinned),))
            self._stride, self._not_finite = stride, thinned["not_finite"]

    def abandon(self) -> None:
        """In a copy of the process: the file is the original's, and is neither written nor closed here."""
        self._abandoned, self._connection = self._connection, None

    def close(self) -> None:
        self.flush()
        self._disconnect()


@contextmanager
def _transaction(connection: sqlite3.Connection | None) -> Iterator[sqlite3.Connection]:
    """All of what is written in it, or nothing."""
    assert connection is not None
    connection.execute("BEGIN")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:  # Ctrl-C as well
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def address(path: Path) -> str:
    """The URI of a file, whatever is in its name."""
    return "file:" + quote(str(path.absolute()))


def replace_meta(path: Path, key: str, value: Any) -> None:
    """Write one JSON value of a stored trace anew (a verified report). TraceError if it cannot be written."""
    try:
        with sqlite3.connect(path, timeout=10.0) as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, _json(value)))
        connection.close()
    except sqlite3.Error as error:
        raise TraceError(f"cannot write {path} ({error})") from error


class Trace:
    """Reads a stored trace. Raises TraceError if the file is missing, foreign or damaged beyond its header."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise TraceError(f"no such trace: {self.path}")
        try:
            self._connection = sqlite3.connect(
                f"{address(self.path)}?mode=ro", uri=True, timeout=2.0, check_same_thread=False
            )
            try:
                version = self.meta("schema")
            except sqlite3.OperationalError:  # a folder that nobody can write to: no lock is needed, and none is possible
                self._connection = sqlite3.connect(f"{address(self.path)}?immutable=1", uri=True)
                version = self.meta("schema")
        except sqlite3.Error as error:
            raise TraceError(f"not a readable trace: {self.path} ({error})") from error
        if version is None:
            raise TraceError(f"not a trace of paramedic: {self.path}")
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            raise TraceError(
                f"trace of a newer version ({version}; this one reads {SCHEMA_VERSION}): {self.path}"
            )

    def close(self) -> None:
        self._connection.close()

    def _query(self, sql: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise TraceError(f"damaged trace: {self.path} ({error})") from error

    def meta(self, key: str, default: Any = None) -> Any:
        rows = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchall()
        return json.loads(rows[0][0]) if rows else default

    def steps(self) -> list[StepRow]:
        """Of a long run not all: ``evenly`` says which of them stand for equally many steps each."""
        return [self._step(row) for row in self._query("SELECT * FROM steps ORDER BY step")]

    def evenly(self) -> list[StepRow]:
        """One in so many steps, over the whole run: for what is measured over its course."""
        rows, stride = self.steps(), self._thinned().get("stride", 1)
        first = self._first_step()
        whole = not rows or len(rows) == rows[-1].step - rows[0].step + 1
        return rows if whole else [row for row in rows if limits.stays(row.step + first, stride)]

    def at_every_step(self, column: Literal["loss", "lr"]) -> NDArray[np.float64]:
        """By the number of the step, up to the last one: the value of the latest row that there is."""
        from paramedic.trace.thinning import at_every_step

        rows = self.steps()
        return at_every_step([row.step for row in rows], [getattr(row, column) for row in rows])

    def not_finite(self) -> int:
        """How many losses were not finite, with those whose rows are gone."""
        return sum(not math.isfinite(row.loss) for row in self.steps()) + int(self._thinned().get("not_finite", 0))

    def _thinned(self) -> dict[str, int]:
        return self.meta("thinned") or {}

    def _first_step(self) -> int:
        return 0

    @staticmethod
    def _step(row: tuple[Any, ...]) -> StepRow:
        losses = {} if row[6] in ("{}", None) else json.loads(row[6])
        return StepRow(row[0], row[1], row[2], _number(row[3]), _number(row[4]), row[5], losses)

    def events(self, kind: str | None = None) -> list[Event]:
        where, parameters = ("WHERE kind = ?", (kind,)) if kind else ("", ())
        return [self._event(row) for row in self._query(f"SELECT * FROM events {where} ORDER BY id", parameters)]

    @staticmethod
    def _event(row: tuple[Any, ...]) -> Event:
        return Event(row[0], row[1], row[2], row[3], json.loads(row[4]))

    def layers(self, quantity: str | None = None) -> list[LayerRow]:
        where, parameters = ("WHERE quantity = ?", (quantity,)) if quantity else ("", ())
        return [self._layer(row) for row in self._query(f"SELECT * FROM layers {where} ORDER BY step", parameters)]

    def histograms(self) -> list[HistogramRow]:
        """In the order of the steps; none of a trace that was written before they were recorded."""
        if not self._has_histograms():
            return []
        rows = self._query("SELECT * FROM histograms ORDER BY step, rowid")
        return [self._histogram(row) for row in rows]

    @staticmethod
    def _histogram(row: tuple[Any, ...]) -> HistogramRow:
        low, high, mean, std = map(_number, row[3:7])
        return HistogramRow(row[0], row[1], row[2], low, high, mean, std, row[7], tuple(json.loads(row[8])))

    def histogram_count(self) -> int:
        return int(self._query("SELECT count(*) FROM histograms")[0][0]) if self._has_histograms() else 0

    def _has_histograms(self) -> bool:
        return bool(self._query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'histograms'"))

    @staticmethod
    def _layer(row: tuple[Any, ...]) -> LayerRow:
        return LayerRow(row[0], row[1], row[2], *(_number(value) for value in row[3:]))


class TracePart(Trace):
    """The steps from ``first`` up to ``end``, counted from 0, and the events after one and up to another."""

    def __init__(self, path: Path, steps: tuple[int, int], events: tuple[int, int]) -> None:
        super().__init__(path)
        self._first, self._end = steps
        self._events = events

    def _first_step(self) -> int:
        return self._first

    def _own(self, rows: Iterable[Row]) -> list[Row]:
        return [row._replace(step=row.step - self._first) for row in rows if self._first <= row.step < self._end]

    def steps(self) -> list[StepRow]:
        return self._own(super().steps())

    def layers(self, quantity: str | None = None) -> list[LayerRow]:
        return self._own(super().layers(quantity))

    def histograms(self) -> list[HistogramRow]:
        return self._own(super().histograms())

    def events(self, kind: str | None = None) -> list[Event]:
        first, end = self._events
        own = [row for row in super().events(kind) if first < row.id <= end]
        return [replace(row, step=max(0, row.step - self._first)) for row in own]


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
