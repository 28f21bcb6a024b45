"""A trace that is still written: what is new is read, and no more is kept than a page shows."""

from __future__ import annotations

import math
from pathlib import Path

from paramedic.report.charts import charts
from paramedic.trace.growing import MOST_COLUMNS, MOST_STEPS, GrowingTrace
from paramedic.trace.store import LayerRow, StepRow, Trace, TraceWriter


def write(writer: TraceWriter, first: int, last: int, bad: int = 10**9, paths: int = 3, gap: int = 5) -> None:
    for step in range(first, last):
        loss = math.nan if step >= bad else 100.0 if step == 777 else 1.0 / (1 + step)
        writer.buffer(StepRow(step, step // 100, 0.1 * step, loss, 0.1 if step < 50 else 0.01, 1.0, {"term": 2.0 * step}))
        if step % gap == 0:
            for path in range(paths):
                for quantity in ("activation", "weight", "update"):
                    writer.layer(LayerRow(step, f"net.{path}", quantity, 0.1, 1.0 + step, -1.0, 1.0, 0.5, 0.0))
    writer.event(last, "evaluated", {"accuracy": 0.5})
    writer.flush()


def test_a_short_run_is_shown_as_it_is_whenever_one_looks(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    growing = GrowingTrace(writer.path)
    for part in range(4):
        write(writer, 100 * part, 100 * part + 100, bad=350)
        growing.look()
        assert growing.version == part + 1
        assert charts(growing) == charts(Trace(writer.path))
    growing.look()
    assert growing.version == 4
    writer.close()


def test_of_a_long_run_little_is_kept_and_its_spike_and_its_end_show(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    growing = GrowingTrace(writer.path)
    for part in range(5):
        write(writer, 4000 * part, 4000 * part + 4000, bad=19_001, paths=80, gap=100)
        growing.look()
    assert len(growing.steps()) <= MOST_STEPS < 20_000
    assert len({row.step for row in growing.layers("weight")}) <= MOST_COLUMNS
    seen, whole = charts(growing), charts(Trace(writer.path))
    assert seen["last"] == whole["last"] == 19_999
    bad = [[mark for mark in item["marks"] if mark["kind"] == "bad"] for item in (seen, whole)]
    assert bad[0] == bad[1] != []
    loss = next(curve for curve in seen["curves"]["loss"] if curve["name"] == "loss")
    assert [777, 100.0] in loss["points"]
    assert [item["layers"] for item in seen["heat"]] == [item["layers"] for item in whole["heat"]]
    writer.close()


def test_rows_that_the_writer_drops_are_no_end(tmp_path: Path, monkeypatch) -> None:  # noqa: ANN001
    monkeypatch.setattr("paramedic.trace.limits.MAX_STEPS", 100)
    writer = TraceWriter(tmp_path / "trace.sqlite")
    growing = GrowingTrace(writer.path)
    for part in range(20):
        write(writer, 30 * part, 30 * part + 30, paths=1)
        growing.look()
        assert abs(growing.steps()[-1].step - (30 * part + 29)) <= 4
    writer.close()
