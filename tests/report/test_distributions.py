"""Distributions on the page: which steps and layers, within what size, and from damaged or hostile traces."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paramedic.measurements.training.histogram import BINS
from paramedic.report.context import Context
from paramedic.report.distributions import MAX_ROWS, MAX_STEPS, QUANTITIES, distributions
from paramedic.report.formats import render
from paramedic.report.html import MAX_BYTES
from paramedic.report.model import Report
from paramedic.trace.store import MAX_HISTOGRAMS, HistogramRow, LayerRow, StepRow, Trace, TraceWriter
from tests.report.conftest import HOSTILE, fault, hostile  # noqa: F401  (fixtures)
from tests.report.test_formats import page_data

COUNTS = tuple(range(1000, 1000 + BINS))
ENDS = {"low": -1.0, "high": 1.0, "mean": 0.0, "std": 0.25, "nonfinite": 0, "bins": list(COUNTS)}


def row(step: int, path: str, quantity: str = "weight", std: float = 0.25) -> HistogramRow:
    return HistogramRow(step, path, quantity, -4 * std, 4 * std, 0.0, std, 0, COUNTS)


def stored(folder: Path, rows: list[HistogramRow], exhibits: Any = None) -> Trace:
    writer = TraceWriter(folder / "trace.sqlite")
    for item in rows:
        writer.histogram(item)
    writer.step(StepRow(0, 0, 0.0, 1.0, 0.1, None, {}))
    if exhibits is not None:
        writer.meta("exhibits", exhibits)
    writer.close()
    return Trace(folder / "trace.sqlite")


def test_parameters_stand_at_their_layer_and_steps_in_their_order(tmp_path: Path) -> None:
    rows = [row(step, "net.0", "activation") for step in (0, 4)] + [row(4, "net.0.weight"), row(0, "net.0.weight", "update")]
    whole = {"quantity": "update", "path": "net.0.weight", "state": "run", **ENDS}
    last = {"quantity": "weight", "path": "net.0.weight", "state": "final", **ENDS}
    found = distributions(stored(tmp_path, rows), {"distributions": [whole, last]})
    assert found is not None
    assert found["layers"] == ["net.0"] and found["steps"] == ["step 0", "step 4", "at the end"]
    placed = {(QUANTITIES[item[2]], item[1], item[3]) for item in found["rows"]}
    assert placed == {
        ("activation", 0, ""), ("activation", 1, ""), ("update", 0, "weight"), ("weight", 1, "weight"),
        ("weight", 2, "weight"), ("whole", -1, "weight"),
    }  # fmt: skip
    assert all(item[9] == list(COUNTS) for item in found["rows"])


def test_a_trace_without_any_shows_what_was_computed_after_the_end(tmp_path: Path) -> None:
    trace = stored(tmp_path, [])
    assert distributions(trace, {}) is None and distributions(None, {}) is None
    rows = [{"quantity": "weight", "path": "a.weight", "state": state, **ENDS} for state in ("initial", "final")]
    found = distributions(trace, {"distributions": rows})
    assert found is not None and found["steps"] == ["at the start", "at the end"]


def test_more_steps_and_layers_than_a_page_holds(tmp_path: Path) -> None:
    names = [(f"net.{at}.weight", quantity) for at in range(90) for quantity in ("weight", "gradient")]
    rows = [row(step, *name) for step in range(0, 100, 5) for name in names]
    found = distributions(stored(tmp_path, rows), {})
    assert found is not None and len(found["rows"]) <= MAX_ROWS
    assert len(found["steps"]) == MAX_STEPS and (found["steps"][0], found["steps"][-1]) == ("step 0", "step 95")
    assert found["layers"][0] == "net.0" and found["layers"][-1] == "net.89"
    assert len(json.dumps(found)) < 500_000


@pytest.mark.parametrize("damaged", [
    {"bins": None}, {"bins": ["x"]}, {"bins": []}, {"low": "nan"}, {"high": -2.0}, {"std": -1.0}, {"quantity": HOSTILE},
    {"state": "x"}, {"nonfinite": "x"}, {"mean": None},
])  # fmt: skip
def test_damaged_rows_are_left_out(tmp_path: Path, damaged: dict[str, Any]) -> None:
    whole = {"quantity": "weight", "path": "net.0.weight", "state": "final", **ENDS}
    found = distributions(stored(tmp_path, []), {"distributions": [whole, {**whole, "path": "net.1.weight", **damaged}, 3]})
    assert found is not None and found["layers"] == ["net.0"]


def test_a_damaged_table_leaves_the_page_as_it_is(tmp_path: Path, fault: Report) -> None:  # noqa: F811
    stored(tmp_path, [row(0, "net.0.weight")]).close()
    with sqlite3.connect(tmp_path / "trace.sqlite") as connection:
        connection.execute("UPDATE histograms SET counts = 'no JSON', nonfinite = 'x'")
    connection.close()
    trace = Trace(tmp_path / "trace.sqlite")
    assert distributions(trace, {}) is None
    assert "Cross-entropy receives probabilities" in render(fault, "html", Context(root=tmp_path, trace=trace))


def test_all_that_a_trace_holds_fits_into_the_page(tmp_path: Path, fault: Report) -> None:  # noqa: F811
    writer = TraceWriter(tmp_path / "trace.sqlite")
    for step in range(3000):
        writer.step(StepRow(step, step // 100, 0.1 * step, 1.0 / (1 + step), 0.1, 1.0, {"a": 0.5, "b": 1.23456 + step}))
    quantities = ("activation", "gradient", "weight", "update")
    for step in range(0, 3000, 20):
        for at in range(100):
            for name in (*quantities, "saturated"):
                writer.layer(LayerRow(step, f"model.encoder.{at}", name, 1.2345e-5, 2.3456e-7, -1.0, 1.0, 0.54321, 0.0))
    for number in range(2 * MAX_HISTOGRAMS):
        name = f"model.encoder.layers.{number % 100}.weight"
        writer.histogram(row(number // 400, name, quantities[number // 100 % 4], 1.234e-7))
    writer.close()
    trace = Trace(tmp_path / "trace.sqlite")
    assert len(trace.histograms()) == MAX_HISTOGRAMS
    text = render(fault, "html", Context(root=tmp_path, trace=trace))
    assert len(text.encode()) <= MAX_BYTES
    assert 0 < len(page_data(text)["distributions"]["rows"]) <= MAX_ROWS


def test_the_layer_that_the_finding_names_is_shown_first(tmp_path: Path, fault: Report) -> None:  # noqa: F811
    trace = stored(tmp_path, [row(0, f"net.{at}.weight") for at in range(5)])
    assert page_data(render(fault, "html", Context(trace=trace)))["layer"] == 3
    elsewhere = replace(fault, findings=tuple(replace(item, module="other") for item in fault.findings))
    assert page_data(render(elsewhere, "html", Context(trace=trace)))["layer"] is None


def test_hostile_names_are_made_harmless(tmp_path: Path, hostile: Report) -> None:  # noqa: F811
    rows = [row(0, f"{HOSTILE}.weight"), row(0, HOSTILE, "activation"), row(0, f"net.0.{HOSTILE}", "gradient")]
    text = render(hostile, "html", Context(trace=stored(tmp_path, rows)))
    assert "<script>alert" not in text
    found = page_data(text)["distributions"]
    assert len(found["rows"]) == 3 and not any("\x1b" in name or "\x00" in name or "\u202e" in name for name in found["layers"])


def test_layers_whose_outputs_were_not_seen_stand_where_they_are_defined(tmp_path: Path) -> None:
    """A fused block calls none of its parts."""
    seen = [row(0, f"net.{name}", "activation") for name in ("embedding", "drop", "block.out", "head")]
    defined = ("embedding", "block.attention", "block.projection", "block.out", "head")
    parameters = [row(0, f"net.{name}.weight") for name in defined]
    found = distributions(stored(tmp_path, seen + parameters), {})
    assert found is not None
    names = [name.removeprefix("net.") for name in found["layers"]]
    assert names == ["embedding", "block.attention", "block.projection", "drop", "block.out", "head"]
