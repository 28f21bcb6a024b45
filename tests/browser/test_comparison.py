"""The page of `paramedic compare` in Chromium: both losses on one chart, and hostile names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from selenium.webdriver.common.action_chains import ActionChains

from paramedic.cli import folders
from paramedic.cli.compare import comparison
from paramedic.report.comparison import render
from paramedic.trace.store import TraceWriter
from tests.browser.conftest import PHONE, Page
from tests.cli.conftest import stored  # noqa: F401  (a fixture)
from tests.report.conftest import HOSTILE

NAMES = ("20261123-120000-train-ab12", "20261123-130000-train-cd34")


def test_both_losses_are_on_one_chart(opened: Callable[..., Page], stored: Callable[..., Path]) -> None:  # noqa: F811
    made = [stored(name, lr=lr, level=level) for name, lr, level in zip(NAMES, (0.1, 0.05), (None, "fault"), strict=True)]
    for folder, value in zip(made, ("a", HOSTILE), strict=True):
        writer = TraceWriter(folder / "trace.sqlite")
        source = {f"{HOSTILE}.py": f"print({value!r})\n"}
        writer.meta("exhibits", {"settings": {HOSTILE: value}, "environment": {"python": "3.11"}, "sources": source})
        writer.close()
    runs = [folders.open_run(folder) for folder in made]
    page = opened(render(comparison(*runs), [run.trace for run in runs]), PHONE)
    assert page.js("return document.body.dataset.ready") == "yes"
    drawn = page.drawn()
    assert {"chart-loss", "chart-lr"} <= set(drawn) and all(pixels > 200 for pixels in drawn.values())
    said = page.js("return document.getElementById('text-loss').textContent")
    assert said.startswith("A: loss: first 2, last 0.1; B: loss: first 2,")
    assert "The loss of B ends higher" in page.js("return document.querySelector('h1').textContent")
    assert page.js("return document.querySelectorAll('script, img, iframe').length") == 3
    page.js("document.querySelector('#chart-loss').focus()")
    ActionChains(page.window).send_keys("+").perform()
    zoomed = "return echarts.getInstanceByDom(document.querySelector(arguments[0])).getOption().dataZoom[0].start"
    assert page.js(zoomed, "#chart-loss") == page.js(zoomed, "#chart-lr") == 12.5
    assert page.js("return document.documentElement.scrollWidth") <= PHONE[0]
    assert page.problems == []
