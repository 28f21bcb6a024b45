"""A trace is readable after any death of its writer, and a failing disk never reaches the program."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from paramedic.trace.process import is_running, this_process
from paramedic.trace.store import (
    FLUSH_SECONDS,
    MAX_HISTOGRAMS,
    HistogramRow,
    StepRow,
    Trace,
    TraceError,
    TracePart,
    TraceWriter,
)
from tests.cli.conftest import SOURCES

WRITER = """
import sys, time
from pathlib import Path
from paramedic.trace import store
store.FLUSH_SECONDS = 0.02
from paramedic.trace.process import this_process
writer = store.TraceWriter(Path(sys.argv[1]), Path(sys.argv[2]))
writer.meta("process", this_process())
print("ready", flush=True)
for step in range(int(sys.argv[3])):
    writer.step(store.StepRow(step, 0, 0.0, 1.0, 0.1, None, {"padding": "x" * 200}))
    if step % 20 == 0:
        writer.layer(store.LayerRow(step, "net.0", "weight", 0, 1, 0, 1, 0, 0))
        writer.flush()
        time.sleep(0.001)
writer.settle()
writer.close()
print(writer.problem)
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(SOURCES)}


def _start(folder: Path, steps: int, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder / "run" / "trace.sqlite"), str(folder / "other"), str(steps)],
        stdout=subprocess.PIPE, text=True, env=environment(), **options,
    )  # fmt: skip


def _steps(folder: Path) -> list[int]:
    trace = Trace(folder / "trace.sqlite")
    steps = [row.step for row in trace.steps()]
    trace.close()
    return steps


def test_killed_at_random_moments(tmp_path: Path) -> None:
    seeded = random.Random(1)
    for number in range(6):
        process = _start(tmp_path / str(number), 1_000_000)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        trace = Trace(tmp_path / str(number) / "run" / "trace.sqlite")  # read while it is written
        assert is_running(trace.meta("process"))
        time.sleep(seeded.uniform(0.05, 0.4))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert is_running(trace.meta("process")) is False
        trace.close()
        steps = _steps(tmp_path / str(number) / "run")
        assert steps == list(range(len(steps))) and steps


def test_a_full_disk_in_the_middle(tmp_path: Path) -> None:
    """Every file of the process is limited, so the trace ends; the process goes on and says so."""
    limit = (100_000, 100_000)
    process = _start(tmp_path, 2000, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "the trace could not be written any further" in output
    steps = _steps(tmp_path / "run")
    assert steps == list(range(len(steps))) and 20 < len(steps) < 2000


def test_a_full_disk_and_another_that_is_not(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "run" / "trace.sqlite", tmp_path / "other")
    row = StepRow(0, 0, 0.0, 1.0, 0.1, None, {"padding": "x" * 2000})
    writer.step(row)
    writer.flush()
    assert writer._connection is not None
    writer._connection.execute("PRAGMA max_page_count=10")  # what a full disk is to SQLite: SQLITE_FULL
    for step in range(1, 100):
        writer.step(_at(row, step))
    writer.flush()
    writer.meta("ended", {"kind": "finished"})
    writer.close()
    assert writer.problem is not None and "database or disk is full" in writer.problem
    assert writer.problem.endswith(f"it goes on in {tmp_path / 'other'}")
    assert writer.path.parent == tmp_path / "other" and _steps(tmp_path / "other") == list(range(100))
    assert _steps(tmp_path / "run") == [0]
    assert (tmp_path / "other").stat().st_mode & 0o077 == 0


def _at(row: StepRow, step: int) -> StepRow:
    return StepRow(step, row.epoch, row.time, row.loss, row.lr, None, row.losses)


def test_a_folder_of_somebody_else_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    writer = TraceWriter(tmp_path / "run" / "trace.sqlite", tmp_path / "other")
    writer._fail(sqlite3.OperationalError("disk I/O error"))
    writer.event(0, "pass", {})
    writer.close()
    assert list((tmp_path / "other").iterdir()) == [] and "goes on" not in str(writer.problem)


def test_the_folder_is_deleted(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "run" / "trace.sqlite", tmp_path / "other")
    row = StepRow(0, 0, 0.0, 1.0, 0.1, None, {})
    writer.step(row)
    writer.flush()
    shutil.rmtree(tmp_path / "run")
    writer.step(_at(row, 1))
    writer.settle()
    writer.close()
    assert _steps(tmp_path / "other") == [0, 1]


def test_what_cannot_be_written_costs_its_rows_only(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    row = StepRow(0, 0, 0.0, 1.0, 0.1, None, {})
    for step in (0, 1 << 70, 2):
        writer.step(_at(row, step))
        writer.flush()
    writer.close()
    assert _steps(tmp_path) == [0, 2] and "OverflowError" in str(writer.problem)


def test_slow_steps_are_written_at_once(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    row = StepRow(0, 0, 0.0, 1.0, 0.1, None, {})
    writer.step(row)
    for step in (1, 2):
        writer._last_step -= 2 * FLUSH_SECONDS
        writer.event(step, "step", {})
        writer.step(_at(row, step))
        assert _steps(tmp_path)[-1] == step
    writer.close()


@pytest.mark.parametrize("damage", ["cut", "overwritten", "empty"])
def test_a_damaged_trace_is_one_line(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "trace.sqlite"
    writer = TraceWriter(path)
    for step in range(500):
        writer.step(StepRow(step, 0, 0.0, 1.0, 0.1, None, {"padding": "x" * 100}))
    writer.close()
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[: len(whole) // 2], "overwritten": whole[:8192] + b"?" * 9000, "empty": b""}[damage])
    with pytest.raises(TraceError, match="damaged trace|not a readable trace|not a trace"):
        Trace(path).steps()


def test_a_process_is_known_again() -> None:
    process = this_process()
    assert is_running(process) is True
    assert is_running({**process, "started": 1}) is False  # the number was given to another process
    assert is_running({**process, "host": "another"}) is None and is_running(None) is None


def test_histograms_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [
        HistogramRow(step, f"net.{name}", "gradient", -1.0, 1.0, 0.1, 0.25, 3, (1, 0, 5))
        for step, name in ((0, "0"), (16, "\ud800"), (4, "0"))
    ]
    writer = TraceWriter(tmp_path / "trace.sqlite")
    for row in rows:
        writer.histogram(row)
    writer.close()
    trace = Trace(tmp_path / "trace.sqlite")
    assert trace.histograms() == [rows[0], rows[2], rows[1]._replace(path="net.\\ud800")] and trace.histogram_count() == 3
    trace.close()
    part = TracePart(tmp_path / "trace.sqlite", (4, 20), (0, 0))
    assert [row.step for row in part.histograms()] == [0, 12]
    part.close()


def test_a_trace_of_an_earlier_version_has_no_histograms(tmp_path: Path) -> None:
    TraceWriter(tmp_path / "trace.sqlite").close()
    with sqlite3.connect(tmp_path / "trace.sqlite") as connection:
        connection.execute("DROP TABLE histograms")
    connection.close()
    trace = Trace(tmp_path / "trace.sqlite")
    assert trace.histograms() == [] and trace.histogram_count() == 0 and trace.layers() == []
    trace.close()


def test_histograms_are_bounded(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    for step in range(MAX_HISTOGRAMS + 10):
        writer.histogram(HistogramRow(step, "net.0.weight", "weight", 0.0, 1.0, 0.5, 0.2, 0, (100,) * 33))
        if step % 1000 == 0:
            writer.flush()
    writer.close()
    trace = Trace(tmp_path / "trace.sqlite")
    assert trace.histogram_count() == MAX_HISTOGRAMS and trace.path.stat().st_size < 2_500_000
    trace.close()
