"""A long run's trace stays small, and says the same about the run as one that has every step."""

from __future__ import annotations

import math
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from paramedic.checks.implementation.custom_loss_non_finite import went_non_finite
from paramedic.cli.compare import comparison
from paramedic.experiments.loss_diverges import rise_of
from paramedic.experiments.scheduler_drives_rate_to_zero import low_share
from paramedic.experiments.stopped_too_early import trend
from paramedic.report.charts import charts
from paramedic.trace import limits
from paramedic.trace.limits import MAX_EVENTS, MAX_LAYER_ROWS, MAX_STEPS, stays
from paramedic.trace.store import LayerRow, StepRow, Trace, TracePart, TraceWriter
from tests.trace.test_store import environment

LONG = 100_000
QUANTITIES = ("activation", "gradient", "weight", "update")


def falling(step: int) -> float:
    return 2.0 / (1 + step / 1000) * (1 + 0.1 * math.sin(1.7 * step))


def recorded(path: Path, steps: int, loss: Callable[[int], float] = falling, every: int = 1000, **rows: Any) -> Trace:
    """rows: layers, and events of each kind, at every ``every`` steps; rate: a function of the step."""
    writer = TraceWriter(path)
    write(writer, 0, steps, loss, every, **rows)
    writer.close()
    return Trace(path)


def write(
    writer: TraceWriter,
    first: int,
    last: int,
    loss: Callable[[int], float] = falling,
    every: int = 1000,
    layers: int = 0,
    rate: Callable[[int], float] = lambda step: 0.1,
) -> None:
    for step in range(first, last):
        norm = 1.0 if step % every == 0 else None
        writer.buffer(StepRow(step, step // 500, 0.001 * step, loss(step), rate(step), norm, {}))
        if step % every == 0:
            writer.event(step, "pass", {"loader": "loader"})
            for layer in range(layers):
                for quantity in QUANTITIES:
                    writer.layer(LayerRow(step, f"net.{layer}", quantity, 0.0, 1.0, -1.0, 1.0, 0.0, 0.0))
            writer.flush()
    writer.flush()


def whole(path: Path, monkeypatch: pytest.MonkeyPatch, *arguments: Any, **options: Any) -> Trace:
    """The same run with every step."""
    with monkeypatch.context() as patched:
        patched.setattr(limits, "MAX_STEPS", 10**9)
        return recorded(path, *arguments, **options)


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_a_trace_grows_no_more_than_by_the_logarithm_of_the_steps(tmp_path: Path) -> None:
    """Of a network of 100 layers, with its write-ahead log, while the program runs."""
    writer = TraceWriter(tmp_path / "trace.sqlite")
    sizes = []
    for first, last in ((0, 10_000), (10_000, 100_000), (100_000, 200_000)):
        write(writer, first, last, every=200, layers=100)
        sizes.append(size(tmp_path) / 1e6)
    writer.close()
    assert sizes[1] < 2 * sizes[0] and sizes[2] < 1.05 * sizes[1], sizes  # ten times the steps; twice the steps
    assert sizes[2] < 5, sizes
    assert writer._counts["steps"] <= MAX_STEPS and writer._counts["layers"] <= MAX_LAYER_ROWS


def test_a_run_of_some_thousand_steps_has_all_of_them(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "trace.sqlite", MAX_STEPS)
    assert [row.step for row in trace.steps()] == list(range(MAX_STEPS)) == [row.step for row in trace.evenly()]
    assert trace.meta("thinned") is None


def test_what_stays(tmp_path: Path) -> None:
    """The first and the latest steps, a change of the rate, a spike, phases' beginnings; of the others the same share."""

    def loss(step: int) -> float:
        return 50.0 if step == 41_234 else falling(step)

    writer = TraceWriter(tmp_path / "trace.sqlite")
    write(writer, 0, 50_001, loss, rate=lambda step: 0.1)
    writer.event(50_001, "phase", {})
    write(writer, 50_001, LONG, loss, rate=lambda step: 0.1 if step < 60_017 else 0.01)
    writer.close()
    trace = Trace(writer.path)
    steps = [row.step for row in trace.steps()]
    assert len(steps) <= MAX_STEPS and steps == sorted(set(steps))
    assert set(range(1000)) <= set(steps) and set(range(LONG - 1500, LONG)) <= set(steps)
    assert {41_234, 60_016, 60_017} <= set(steps)
    assert set(range(50_001, 50_101)) <= set(steps)
    even = np.array([row.step for row in trace.evenly()])
    stride = trace.meta("thinned")["stride"]
    assert np.diff(even).max() <= 4 * stride
    shares = np.histogram(even, 10, (0, LONG))[0] * stride / (LONG / 10)
    assert shares.min() > 0.97 and shares.max() < 1.03
    assert abs(np.mean(even % 2) - 0.5) < 0.01 and abs(np.mean(even % 500) - 249.5) < 5  # optimizers in turn, epochs
    marks = charts(trace)["marks"]
    assert {"step": 60_017, "text": "learning rate 0.1 to 0.01", "kind": "rate"} in marks
    curve = next(item for item in charts(trace)["curves"]["loss"] if item["name"] == "loss")
    assert [41_234, 50.0] in curve["points"]


def test_a_later_training_in_the_same_program_has_its_first_steps(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    write(writer, 0, 30_000)
    writer.event(30_000, "phase", {})
    write(writer, 30_000, LONG)
    writer.close()
    part = TracePart(writer.path, (30_000, LONG), (0, 10**9))
    assert [row.step for row in part.steps()][:200] == list(range(200))
    assert all(stays(row.step + 30_000, part.meta("thinned")["stride"]) for row in part.evenly())
    short = TracePart(writer.path, (30_000, 30_100), (0, 10**9))
    assert [row.step for row in short.evenly()] == list(range(100))


def test_shares_of_one_run_are_those_of_another(tmp_path: Path) -> None:
    """Two runs have common steps enough, however often each was thinned."""
    long, short = (recorded(tmp_path / name / "trace.sqlite", steps) for name, steps in (("a", LONG), ("b", 41_000)))
    steps = [{row.step for row in trace.steps() if 1000 <= row.step < 38_000} for trace in (long, short)]
    assert len(steps[0] & steps[1]) > 0.9 * len(steps[0]) - 200


def nan_from(first: int) -> Callable[[int], float]:
    return lambda step: math.nan if step >= first else falling(step)


def diverging(step: int) -> float:
    return falling(step) if step < 80_000 else falling(step) * 1.001 ** (step - 80_000)


def skipping(step: int) -> float:
    """As with a gradient scaler: single steps."""
    return math.inf if step in (30_011, 60_003) else falling(step)


@pytest.mark.parametrize("loss", [falling, nan_from(60_000), diverging, skipping], ids=lambda function: function.__name__)
def test_a_late_fault_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loss: Callable[[int], float]) -> None:
    def rate(step: int) -> float:
        return 0.1 * 0.9 ** (step // 700)

    every = whole(tmp_path / "every" / "trace.sqlite", monkeypatch, LONG, loss, rate=rate)
    fewer = recorded(tmp_path / "fewer" / "trace.sqlite", LONG, loss, rate=rate)
    assert len(every.steps()) == LONG > 4 * len(fewer.steps())
    cases: list[Any] = [SimpleNamespace(trace=trace) for trace in (every, fewer)]
    assert went_non_finite(cases[0]) == went_non_finite(cases[1])
    assert every.not_finite() == fewer.not_finite()
    rates = [trace.at_every_step("lr") for trace in (every, fewer)]
    assert len(rates[0]) == len(rates[1]) == LONG
    assert low_share(rates[1]) == pytest.approx(low_share(rates[0]), abs=0.01)
    assert rates[1].max() == rates[0].max() and rates[1][-1] == rates[0][-1]
    losses = [[row.loss for row in trace.evenly() if math.isfinite(row.loss)] for trace in (every, fewer)]
    firsts = [[row.loss for row in trace.steps()] for trace in (every, fewer)]
    assert rise_of(firsts[1], losses[1]) == pytest.approx(rise_of(firsts[0], losses[0]), rel=0.1)
    trends = [trend(values) for values in losses]
    assert trends[0] is not None and trends[1] is not None
    assert trends[1].p == pytest.approx(trends[0].p, abs=0.02)
    assert trends[1].gain == pytest.approx(trends[0].gain, rel=0.05, abs=0.02)
    bad = [[mark for mark in charts(trace)["marks"] if mark["kind"] == "bad"] for trace in (every, fewer)]
    assert bad[0] == bad[1]


def test_the_step_at_which_two_long_runs_part(tmp_path: Path) -> None:
    traces = [
        recorded(tmp_path / name / "trace.sqlite", 60_000, loss)
        for name, loss in (("a", falling), ("b", lambda step: falling(step) + (step >= 33_333)))
    ]
    runs = [SimpleNamespace(trace=trace, report=None, folder=trace.path.parent, steps=60_000, info={}) for trace in traces]
    found = comparison(*runs)
    assert 33_333 <= found["losses_differ_from_step"] <= 33_333 + 64
    line = next(line for line in found["summary"] if "differ" in line)
    assert line.startswith("The losses differ from a step between 33")


def test_of_layers_whole_steps_stay(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    for step in (*range(0, 100, 10), *range(100, 100_000, 97)):
        bad = 0.5 if step >= 50_054 else 0.0
        for layer in range(50):
            for quantity in QUANTITIES:
                writer.layer(LayerRow(step, f"net.{layer}", quantity, 0.0, 1.0, -1.0, 1.0, 0.0, bad))
        writer.flush()
    writer.close()
    trace = Trace(writer.path)
    rows: dict[int, int] = {}
    for row in trace.layers():
        rows[row.step] = rows.get(row.step, 0) + 1
    assert set(rows.values()) == {200} and 50 <= len(rows) <= MAX_LAYER_ROWS // 200
    assert {*range(0, 100, 10), range(100, 100_000, 97)[-1]} <= set(rows)
    first_bad = next(row.step for row in trace.layers() if row.nonfinite > 0)
    assert first_bad == 100 + 97 * math.ceil((50_054 - 100) / 97)


def test_of_events_those_of_a_frequent_kind_are_fewer(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    writer.event(0, "model", {"name": "net"})
    for step in range(50_000):
        writer.event(step, "evaluated", {"loss": 0.5})
        if step == 20_000:
            writer.event(step, "phase", {})
        if step % 500 == 0:
            writer.flush()
    writer.event(50_000, "evaluated", {"loss": 0.25})
    writer.close()
    trace = Trace(writer.path)
    assert len(trace.events("model")) == len(trace.events("phase")) == 1
    evaluated = trace.events("evaluated")
    assert len(trace.events()) <= MAX_EVENTS and evaluated[0].step == 0 and evaluated[-1].data == {"loss": 0.25}


WRITER = """
import sys
from pathlib import Path
from paramedic.trace import limits, store
limits.MAX_STEPS, limits.MAX_EVENTS, limits.MAX_LAYER_ROWS = 400, 100, 300
writer = store.TraceWriter(Path(sys.argv[1]))
print("ready", flush=True)
for step in range(10_000_000):
    loss = float("nan") if step >= 700 else 1.0
    writer.buffer(store.StepRow(step, 0, 0.001 * step, loss, 0.1, None, {}))
    if step == 650:
        writer.event(step, "crash", {})
    if step % 10 == 0:
        writer.event(step, "pass", {})
        for layer in range(5):
            writer.layer(store.LayerRow(step, f"net.{layer}", "weight", 0, 1, 0, 1, 0, 0))
        writer.flush()
"""


def test_killed_while_it_is_thinned(tmp_path: Path) -> None:
    """Several hundred times a second here: whatever the moment, the rows of one state or of the next are there."""
    seeded = random.Random(2)
    for number in range(8):
        path = tmp_path / str(number) / "trace.sqlite"
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, env=environment())
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(seeded.uniform(0.2, 0.6))
        running = Trace(path)  # read while it is written
        assert running.steps()
        running.close()
        process.send_signal(signal.SIGKILL)
        process.wait()
        trace = Trace(path)
        steps = [row.step for row in trace.steps()]
        assert len(steps) <= 410 and steps[:20] == list(range(20)) and steps[-10:] == list(range(steps[-1] - 9, steps[-1] + 1))
        if steps[-1] > 700:
            assert went_non_finite(SimpleNamespace(trace=trace)) == 700  # type: ignore[arg-type]
            assert trace.not_finite() == steps[-1] - 699
            assert len(trace.events("crash")) == 1
        assert {row.path for row in trace.layers() if row.step == 0} == {f"net.{layer}" for layer in range(5)}
        trace.close()


def test_a_full_disk_while_it_is_thinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the trace goes on elsewhere, with all rows that were written."""
    monkeypatch.setattr(limits, "MAX_STEPS", 400)
    writer = TraceWriter(tmp_path / "run" / "trace.sqlite", tmp_path / "other")
    write(writer, 0, 399)
    assert writer._connection is not None

    thin, calls = writer._thin, []

    def full(*arguments: Any) -> None:
        calls.append(arguments)
        thin(*arguments)
        if len(calls) == 1:
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(writer, "_thin", full)
    write(writer, 399, 2000)
    writer.close()
    assert writer.problem is not None and writer.path.parent == tmp_path / "other" and len(calls) > 1
    trace = Trace(writer.path)
    steps = [row.step for row in trace.steps()]
    assert steps[-1] == 1999 and len(steps) <= 401 and trace.meta("thinned")["stride"] > 1
