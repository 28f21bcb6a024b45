"""Charts: what must stay visible, and that any text is made harmless."""

from __future__ import annotations

import math
import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from paramedic.report.charts import charts
from paramedic.report.escape import clean, number
from paramedic.report.markdown import escape
from paramedic.report.svg import Heat, bars, curve, heat_map, thinned
from paramedic.trace.store import LayerRow, StepRow, Trace, TraceWriter


def test_a_single_spike_survives_thinning() -> None:
    points = [(float(step), 1.0) for step in range(100_000)]
    points[54_321] = (54_321.0, 99.0)
    kept = thinned(points)
    assert len(kept) <= 400 and (54_321.0, 99.0) in kept and kept == sorted(kept)


def test_a_curve_is_interrupted_where_the_loss_is_not_finite() -> None:
    values = [1.0, 2.0, math.nan, 3.0, 4.0, math.inf, 5.0]
    svg = curve(list(enumerate(values)), "loss")
    assert svg is not None and svg.count("<polyline") == 3
    assert curve([(0.0, 1.0), (1.0, math.nan)], "loss") is None
    assert curve([(0.0, 1.0), (1.0, 1.0)], "constant") is not None


def test_a_curve_over_decades_is_logarithmic() -> None:
    steep = curve([(0.0, 1000.0), (1.0, 1.0), (2.0, 0.001)], "loss")
    assert steep is not None and "(log scale)" in steep and "1.0,93.0" not in steep
    flat = curve([(0.0, 2.0), (1.0, 1.0)], "loss")
    assert flat is not None and "log scale" not in flat


def test_bars_share_one_scale() -> None:
    svg = bars(0.8, 0.2, "u")
    assert svg is not None
    widths = [float(width) for width in re.findall(r'<rect[^>]*width="([\d.]+)"', svg)]
    assert widths == [240.0, 60.0]
    assert bars(math.nan, 0.1, "u") is None and bars(-1.0, 0.5, "u") is None


def test_heat_map_marks_what_is_not_finite_and_leaves_out_what_is_unknown() -> None:
    svg = heat_map(Heat(("a", "<b>"), (0, 1), ((1.0, math.inf), (None, 1e-6))), "x")
    assert svg is not None and svg.count("<rect") == 3 and 'fill="#d33"' in svg and "&lt;b&gt;" in svg
    assert heat_map(Heat((), (), ()), "x") is None


def test_updates_are_relative_to_the_weights(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "trace.sqlite")
    writer.step(StepRow(0, 0, 0.0, 1.0, 0.1, None, {}))
    writer.layer(LayerRow(0, "net.0.weight", "update", 0.0, 0.001, 0, 0, 0, 0))
    writer.layer(LayerRow(0, "net.0.weight", "weight", 0.0, 0.1, 0, 0, 0, 0))
    writer.close()
    ((title, svg),) = charts(Trace(tmp_path / "trace.sqlite"))
    assert title.startswith("Updates") and "bright 0.0316" in svg
    ElementTree.fromstring(svg)


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
