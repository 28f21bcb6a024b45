"""Charts: what must stay visible, and that any text is made harmless."""

from __future__ import annotations

import math
import re
import unicodedata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramedic.report.charts import charts, thinned
from paramedic.report.escape import clean, number
from paramedic.report.markdown import escape
from paramedic.report.svg import bars, sparkline
from paramedic.trace.store import LayerRow, StepRow, Trace, TraceWriter


def test_a_single_spike_survives_thinning() -> None:
    points = [(float(step), 1.0) for step in range(100_000)]
    points[54_321] = (54_321.0, 99.0)
    kept = thinned(points)
    assert len(kept) <= 400 and (54_321.0, 99.0) in kept and kept == sorted(kept)


def test_bars_share_one_scale_and_carry_the_interval() -> None:
    svg = bars(0.2, 0.8, (0.5, 0.7), "percent")
    assert svg is not None
    widths = [float(width) for width in re.findall(r'class="(?:now|changed)"[^>]*width="([\d.]+)"', svg)]
    assert widths[1] == pytest.approx(4 * widths[0])
    assert svg.count('class="whisker"') == 1 and "20 %" in svg and "80 %" in svg
    assert bars(math.nan, 0.1, (0, 0)) is None and bars(-1.0, 0.5, (0, 0)) is None
    ElementTree.fromstring(svg)


def test_a_sparkline_has_a_gap_where_a_value_is_not_finite() -> None:
    svg = sparkline([[1.0, 2.0, math.nan, 3.0, 4.0]], "<b>")
    assert svg is not None and svg.count("<polyline") == 2 and "<b>" not in svg
    assert sparkline([[math.nan, 1.0]], "x") is None and sparkline([], "x") is None


def stored(tmp_path: Path, steps: list[StepRow], layers: list[LayerRow] = [], events: list[dict[str, Any]] = []) -> Trace:  # noqa: B006
    writer = TraceWriter(tmp_path / "trace.sqlite")
    for row in steps:
        writer.step(row)
    for layer in layers:
        writer.layer(layer)
    for at, data in enumerate(events):
        writer.event(at, "step", data)
    writer.close()
    return Trace(tmp_path / "trace.sqlite")


def row(step: int, loss: float, epoch: int = 0, lr: float = 0.1) -> StepRow:
    return StepRow(step, epoch, 0.1 * step, loss, lr, None, {})


def test_curves_and_marks(tmp_path: Path) -> None:
    steps = [row(0, 3.0), row(1, 2.0), row(2, 1.0, 1), row(3, math.inf, 1, 0.01), row(4, math.nan, 1, 0.01)]
    found = charts(stored(tmp_path, steps))
    assert found["curves"]["loss"][0]["points"] == [[0, 3.0], [1, 2.0], [2, 1.0], [3, None], [4, None]]
    assert [(mark["step"], mark["kind"]) for mark in found["marks"]] == [(3, "bad"), (2, "epoch"), (3, "rate")]
    assert not charts(None)


def test_a_validation_pass_is_no_change_of_mode_and_a_lasting_eval_is(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    for step in range(30):
        writer.step(row(step, 1.0))
    for step, training in ((0, True), (10, False), (10, True), (20, False)):
        writer.event(step, "mode", {"training": training})
    writer.close()
    found = charts(Trace(tmp_path / "trace.sqlite"))
    assert [(mark["step"], mark["text"]) for mark in found["marks"]] == [(20, "eval()")]


def test_two_optimizers_in_turn_have_a_loss_curve_each(tmp_path: Path) -> None:
    steps = [row(step, 1.0 + step % 2) for step in range(20)]
    found = charts(stored(tmp_path, steps, events=[{"optimizer": step % 2} for step in range(8)]))
    curves = {item["name"]: {value for _, value in item["points"]} for item in found["curves"]["loss"]}
    assert curves == {"loss before optimizer 0": {1.0}, "loss before optimizer 1": {2.0}}


def test_the_curves_of_two_optimizers_carry_their_names(tmp_path: Path) -> None:
    events = [{"optimizer": step % 2, "name": ("judge", "<b>")[step % 2]} for step in range(8)]
    found = charts(stored(tmp_path, [row(step, 1.0) for step in range(20)], events=events))
    assert [item["name"] for item in found["curves"]["lr"]] == ["learning rate of judge", "learning rate of <b>"]


def test_updates_are_relative_to_the_weights(tmp_path: Path) -> None:
    layers = [
        LayerRow(0, "net.0.weight", "update", 0.0, 0.001, 0, 0, 0, 0),
        LayerRow(0, "net.0.weight", "weight", 0.0, 0.1, 0, 0, 0, 0),
        LayerRow(0, "net.1", "gradient", 0.0, 0.1, 0, 0, 0, 0.5),
    ]
    gradient, update = charts(stored(tmp_path, [row(0, 1.0)], layers))["heat"]
    assert gradient["values"] == [[0, 0, "not finite"]]
    assert update["title"].startswith("Updates") and update["values"] == [[0, 0, 0.01]]


def test_heat_maps_are_decimated(tmp_path: Path) -> None:
    layers = [
        LayerRow(step, f"net.{at}", "activation", 1.0, 1.0, 0, 0, 0, 0) for at in range(100) for step in range(0, 500, 5)
    ]
    for heat in charts(stored(tmp_path, [row(0, 1.0)], layers))["heat"]:
        assert len(heat["layers"]) <= 60 and len(heat["steps"]) <= 60 and len(heat["values"]) <= 3600


@given(st.text(max_size=200))
def test_clean_text_is_one_printable_line(text: str) -> None:
    result = clean(text)
    assert not any(unicodedata.category(item) in ("Cc", "Cf", "Cs", "Zl", "Zp") for item in result)
    result.encode("utf-8")


@given(st.text(alphabet="`*_{}[]()<>#+-.!|~&@$:^= ab1", max_size=40))
def test_markdown_has_no_special_character_left(text: str) -> None:
    rest = re.sub(r"&#\d+;", "", escape(text))
    assert not set(rest) & set("\\`*_{}[]()<>#+!|~&@$:^=")


@given(
    st.one_of(st.floats(), st.integers(), st.text(max_size=300), st.none(), st.lists(st.floats(), max_size=3))
)
def test_any_value_can_be_shown(value: object) -> None:
    assert len(number(value)) <= 120 or isinstance(value, int)
