"""The report's page in Chromium: charts, keyboard, hostile names, a phone, dark, print, no script."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from paramedic.checks.finding import Proof
from paramedic.report.context import Context
from paramedic.report.formats import render
from paramedic.report.model import Report
from paramedic.report.pictures import png
from paramedic.trace.store import HistogramRow, LayerRow, StepRow, Trace, TraceWriter
from tests.browser.conftest import PHONE, WIDE, Page
from tests.report.conftest import HOSTILE, clean_report, fault, hostile  # noqa: F401  (fixtures)

LAYERS = ("net.0", "net.2")
STEPS = (0, 4, 64)  # with histograms


def picture(name: str) -> dict[str, object]:
    pixels = png((torch.arange(64).reshape(8, 8, 1) * 4).to(torch.uint8))
    return {"show": f"data:image/png;base64,{base64.b64encode(pixels).decode()}", "target": name}


def exhibits(name: str) -> dict[str, object]:
    """Every part of the page, with a text of the program in every place that has one."""
    histogram = {"low": -1.0, "high": 1.0, "mean": 0.0, "std": 0.3, "nonfinite": 0, "bins": [10] * 9}
    shares = {"shares": [0.025] * 40, "mean": 0.5, "std": 0.1, "nonfinite": 0}
    role = {
        "shape": [64, 1, 8, 8], "dtype": "float32", "target_shape": [64], "range": [0.0, 1.0],
        "samples": [picture(name)] * 4, "classes": [[name, 10], ["1", 20]],
    }  # fmt: skip
    return {
        "levels": {"chance": 2.3, "floor": 0.0, "validation": 1.9},
        "replays": [
            {"changed": "nothing", "curves": [{"seed": s, "losses": [2.0, 1.9, 1.9], "steps": 30} for s in range(3)]},
            {"changed": name, "curves": [{"seed": s, "losses": [2.0, 1.0, 0.1 * s], "steps": 30} for s in range(3)]},
        ],
        "data": {
            "kind": "image", "roles": {"train": role, "validation": role}, "features": None,
            "values": {"low": 0.0, "high": 1.0, "roles": {"train": shares}},
        },
        "network": [
            {"path": name if at == 1 else f"net.{at}", "depth": at, "kind": "Linear", "settings": name, "own": 100, "all": 100,
             "frozen": False, "shape": [64, 10], "units": {"initial": {"dead": 0.1}, "final": {"dead": 0.9}}}
            for at in range(4)
        ],
        "distributions": [
            {"quantity": quantity, "path": f"{name}.weight", "state": state, **histogram}
            for quantity, state in (("weight", "final"), ("update", "run"))
        ],
        "environment": {"python": "3.11", name: name},
        "settings": {name: name},
        "missing": {"sources": name},
    }  # fmt: skip


def histogram(step: int, path: str, quantity: str, std: float) -> HistogramRow:
    counts = tuple(int(1000 * math.exp(-(((at - 16) / 5.5) ** 2) / 2)) for at in range(33))
    return HistogramRow(step, path, quantity, -3 * std, 3 * std, 0.0, std, 0, counts)


def context_of(folder: Path, name: str) -> Context:
    writer = TraceWriter(folder / "trace.sqlite")
    for step in range(300):
        loss = math.nan if step > 250 else 2.3 * math.exp(-step / 100)
        writer.step(StepRow(step, step // 50, 0.01 * step, loss, 0.1 if step < 200 else 0.01, 1.0 + step, {}))
    for step in range(0, 300, 10):
        for path in (*LAYERS, name):
            for quantity in ("activation", "gradient", "update", "weight"):
                writer.layer(LayerRow(step, path, quantity, 0.1, 1.0 + step, -1.0, 1.0, 0.5, 0.1 * (step > 250)))
    for step in STEPS:
        for at, path in enumerate((*LAYERS, name)):
            writer.histogram(histogram(step, path, "activation", 1.0))
            for quantity, std in (("gradient", 10.0 ** (at - 4)), ("weight", 0.3), ("update", 1e-3)):
                writer.histogram(histogram(step, f"{path}.weight", quantity, std * (1 + step)))
    writer.meta("exhibits", exhibits(name))
    writer.close()
    (folder / "train.py").write_text("import torch\nloss = criterion(model(x), y)\n")
    return Context(root=folder, trace=Trace(folder / "trace.sqlite"), run=Path(".paramedic/run-1"))


Opened = Callable[..., Page]


@pytest.fixture
def page(opened: Opened, fault: Report, tmp_path: Path) -> Page:  # noqa: F811
    return opened(render(fault, "html", context_of(tmp_path, "net.4")))


@pytest.mark.parametrize(("size", "dark"), [(WIDE, False), (PHONE, True)])
def test_charts_are_drawn_without_a_message_and_nothing_is_cut_off(
    opened: Opened, fault: Report, tmp_path: Path, size: tuple[int, int], dark: bool  # noqa: F811
) -> None:
    page = opened(render(fault, "html", context_of(tmp_path, "net.4")), size, dark)
    assert page.js("return document.body.dataset.ready") == "yes"
    drawn = page.drawn()
    assert {"chart-loss", "chart-lr", "chart-gradient", "chart-classes", "chart-values", "heat-0", "heat-4"} <= set(drawn)
    assert len(drawn) == 5 + 5 and all(pixels > 200 for pixels in drawn.values()), drawn
    at_step(page, 2)
    drawn = page.drawn()
    assert len(drawn) == 5 + 5 + 5 and "chart-sizes" in drawn and all(pixels > 200 for pixels in drawn.values()), drawn
    page.js("document.querySelector('#more-replays').open = true")  # what proves nothing is folded
    page.js("document.querySelector('#more-replays').scrollIntoView()")
    charts = "return document.querySelectorAll('.chart[data-drawn]').length"
    WebDriverWait(page.window, 60).until(lambda _: page.js(charts) == len(drawn) + 1)
    assert page.js("return document.documentElement.scrollWidth") <= size[0]
    labels = page.js("return [...document.querySelectorAll('.chart[data-drawn]')].map(e => e.getAttribute('aria-label'))")
    assert all(len(label) > 20 for label in labels)
    assert page.problems == []


def test_a_run_without_a_finite_number_is_drawn(opened: Opened, fault: Report, tmp_path: Path) -> None:  # noqa: F811
    writer = TraceWriter(tmp_path / "trace.sqlite")
    for step in range(20):
        writer.step(StepRow(step, 0, 0.1, math.nan, 0.1, math.nan, {}))
        for quantity in ("activation", "gradient", "update", "weight"):
            writer.layer(LayerRow(step, "net.0", quantity, math.nan, math.nan, math.nan, math.nan, 0.0, 1.0))
    writer.meta("exhibits", exhibits("net.4"))
    writer.close()
    page = opened(render(fault, "html", Context(root=tmp_path, trace=Trace(tmp_path / "trace.sqlite"))))
    assert page.js("return document.body.dataset.ready") == "yes"
    assert {"heat-0", "heat-3", "chart-classes"} <= set(page.drawn())
    assert page.problems == []


def test_a_validation_loss_far_above_leaves_the_loss_to_be_seen(
    opened: Opened, fault: Report, tmp_path: Path  # noqa: F811
) -> None:
    context = context_of(tmp_path, "net.4")
    writer = TraceWriter(tmp_path / "trace.sqlite")
    writer.meta("exhibits", {"levels": {"chance": 2.3, "floor": 0.0, "validation": 660.0}})
    writer.close()
    page = opened(render(fault, "html", context))
    height = page.js(
        """const chart = echarts.getInstanceByDom(document.querySelector('#chart-loss'));
        const at = (y) => chart.convertToPixel({ yAxisIndex: 0 }, y);
        return [at(660), at(2.3), at(0.2), chart.getHeight()];"""
    )
    assert 0 < height[0] < height[1] < height[2] < height[3] and height[2] - height[1] > 30
    assert "validation, last weights 660" in page.js("return document.querySelector('#text-loss').textContent")


def test_a_second_fault_is_compared_with_the_copy_in_which_the_first_is_mended(
    opened: Opened, fault: Report, tmp_path: Path  # noqa: F811
) -> None:
    context = context_of(tmp_path, "softmax left out and rate x 10")
    proof = Proof("softmax+rate", 0.9, 0.1, (-0.9, -0.7), 3, changed="rate x 10")
    second = replace(fault.findings[0], check="learning-rate-too-low", reason="R36", proof=proof)
    page = opened(render(replace(fault, findings=(*fault.findings, second)), "html", context))
    shown = page.js("return [...document.querySelectorAll('#replays figure')].map(e => e.innerText)")
    assert any("Softmax left out and rate x 10: the proof" in text for text in shown)


def test_the_first_screen_says_what_where_and_how_to_change_it(page: Page) -> None:
    bottom = page.js("return document.querySelector('.strip').getBoundingClientRect().bottom")
    assert bottom < 1.35 * WIDE[1]
    for text in ("Cross-entropy receives probabilities", "train.py:2", "Take the softmax out", "criterion(model(x), y)"):
        box = page.js(
            "return [...document.querySelectorAll('.verdict *')].filter(e => e.textContent.includes(arguments[0]))"
            ".pop().getBoundingClientRect().bottom", text,
        )  # fmt: skip
        assert 0 < box < WIDE[1], text


def test_every_row_can_be_reached_and_opened_from_the_keyboard(page: Page) -> None:
    window = page.window
    page.js("document.querySelector('.strip button').focus()")
    keys = ActionChains(window)
    for _ in range(24):
        keys.send_keys(Keys.ARROW_RIGHT)
    keys.perform()
    assert page.js("return document.activeElement.dataset.row") == "R18"
    ActionChains(window).send_keys(Keys.ARROW_RIGHT).perform()
    assert "R19 loss input: found" in window.find_element(By.ID, "strip-why").text
    ActionChains(window).send_keys(Keys.ENTER).perform()
    dialog = window.find_element(By.ID, "page")
    assert dialog.get_attribute("open") and "What it measures" in dialog.text
    ActionChains(window).send_keys(Keys.ESCAPE).perform()
    assert not dialog.get_attribute("open")
    assert page.js("return document.activeElement.dataset.row") == "R19"
    assert page.problems == []


def test_tab_reaches_everything_that_can_be_used(page: Page) -> None:
    wanted = page.js("return document.querySelectorAll('main a, main button, main summary, main select, #copy').length")
    page.js("document.activeElement.blur(); window.seen = new Set(); addEventListener('focusin', e => seen.add(e.target))")
    for _ in range(6):
        keys = ActionChains(page.window)
        for _ in range(25):
            keys.send_keys(Keys.TAB)
        keys.perform()
    reached = page.js("return [...seen].filter(e => e.matches('main a, main button, main summary, main select, #copy')).length")
    assert reached == wanted


def test_hostile_names_stay_text(opened: Opened, hostile: Report, tmp_path: Path) -> None:  # noqa: F811
    page = opened(render(hostile, "html", context_of(tmp_path, HOSTILE)), PHONE)
    assert page.js("return document.body.dataset.ready") == "yes"
    assert page.js("return document.querySelectorAll('script').length") == 3
    assert all(pixels > 200 for pixels in page.drawn().values())
    assert page.js("return document.documentElement.scrollWidth") <= PHONE[0]
    Select(page.window.find_element(By.ID, "layer")).select_by_index(2)
    assert page.js("return document.querySelector('#layer-title').textContent").startswith("<script>alert(1)</script>")
    # the charts' own boxes are the one place where the page makes markup of text: on hovering
    at_step(page, 2)
    for chart in ("#heat-3", "#chart-sizes", "#histograms .chart"):
        hover(page, chart)
    assert page.js("return document.querySelectorAll('script, iframe').length") == 3
    assert page.problems == []


def at_step(page: Page, number: int) -> None:
    """Choose the step that the distributions are shown of."""
    page.js("const e = document.querySelector('#when'); e.value = arguments[0]; e.dispatchEvent(new Event('input'))", number)


def hover(page: Page, chart: str) -> str:
    """The text of the box that the chart shows at a point near its upper end."""
    page.js("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", chart)
    box = page.window.find_element(By.CSS_SELECTOR, chart)
    below = 40 - box.size["height"] // 2  # from the middle
    shown = f"""const tip = [...document.querySelectorAll('{chart} > div')].pop();
        return tip && tip.style.visibility !== 'hidden' && tip.style.display !== 'none' ? tip.innerText : ''"""
    for number in range(20):
        ActionChains(page.window).move_to_element_with_offset(box, 0, below + number % 3).pause(0.1).perform()
        if text := page.js(shown):
            return str(text)
    return ""


def test_a_step_and_a_layer_are_chosen_with_the_keyboard(page: Page) -> None:
    shown = "return [document.querySelector('#when-text').textContent, document.querySelector('#layer-title').textContent]"
    assert page.js(shown) == ["at the end", "net.0, at the end"]
    assert page.js("return document.querySelector('#nothing').hidden") is False  # of this layer
    page.js("document.querySelector('#when').focus()")
    ActionChains(page.window).send_keys(Keys.ARROW_LEFT).perform()
    assert page.js(shown) == ["step 64", "net.0, step 64"]
    ActionChains(page.window).send_keys(Keys.HOME).perform()
    assert page.js("return document.querySelector('#nothing').hidden") is True
    assert page.js(shown) == ["step 0", "net.0, step 0"]
    texts = "return [...document.querySelectorAll('#histograms figure')].map(e => e.innerText)"
    assert [text.split("\n")[0] for text in page.js(texts)] == ["Activations", "Gradients", "Weights", "Updates"]
    assert "standard deviation 1.0e-4." in page.js(texts)[1]
    ActionChains(page.window).send_keys(Keys.ARROW_RIGHT).perform()
    assert page.js(shown) == ["step 4", "net.0, step 4"]
    assert "standard deviation 5.0e-4; step 0: 0 and 1.0e-4." in page.js(texts)[1]
    assert page.js("return document.querySelector('#when').getAttribute('aria-valuetext')") == "step 4"
    page.js("document.querySelector('#layer').focus()")
    ActionChains(page.window).send_keys(Keys.ARROW_DOWN).perform()
    assert page.js(shown) == ["step 4", "net.2, step 4"]
    page.js("document.querySelector('#layer').focus()")
    ActionChains(page.window).send_keys(Keys.ARROW_DOWN).perform()
    names = ["Activations", "Gradients", "Weights", "Updates", "Whole update"]
    for step, expected in ((3, [names[2], names[4]]), (1, names)):
        at_step(page, step)
        assert [text.split("\n")[0] for text in page.js(texts)] == expected
    ActionChains(page.window).send_keys(Keys.ARROW_UP).perform()
    labels = page.js("return [...document.querySelectorAll('#histograms .chart')].map(e => e.getAttribute('aria-label'))")
    assert labels[1].startswith("Gradients. Mean 0, standard deviation 0.005")
    sizes = page.js("return document.querySelector('#text-sizes').textContent")
    assert "Gradients: 5.0e-4 in net.0 to 0.05 in net.4 (100 times)" in sizes
    assert page.problems == []


def test_the_normal_curve_has_the_mean_and_width_of_the_values(page: Page) -> None:
    at_step(page, 2)
    option = "echarts.getInstanceByDom(document.querySelector('#histograms .chart')).getOption()"
    curves = page.js(f"return {option}.series.map(s => [s.name, s.data])")
    names = [name for name, _ in curves]
    assert names[-1] == "normal"
    points = curves[-1][1]
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in zip(points, points[1:], strict=False))
    assert area == pytest.approx(1.0, abs=0.01)
    assert max(points, key=lambda point: point[1])[0] == pytest.approx(0.0, abs=1e-9)


def test_every_chart_over_the_steps_is_zoomed_and_hovered(page: Page) -> None:
    drawn = "return document.querySelector(arguments[0])?.dataset.drawn"
    charts = [f"#{name}" for name in ("chart-loss", "chart-lr", "chart-gradient", "heat-0", "heat-4")]
    for chart in (*charts, "#more-replays .chart"):
        page.js("document.querySelector('#more-replays').open = true")
        WebDriverWait(page.window, 60).until(lambda _, name=chart: page.js(drawn, name))
        box = page.window.find_element(By.CSS_SELECTOR, chart)
        page.js("arguments[0].focus({preventScroll: false})", box)
        ActionChains(page.window).send_keys("+").send_keys("+").send_keys(Keys.ARROW_RIGHT).perform()
        start, end = map(float, box.get_attribute("data-shown").split())
        assert end - start == pytest.approx(56.2, abs=0.2) and start > 30, chart
        assert len(hover(page, chart)) > 5, chart
        page.js("arguments[0].focus()", box)
        ActionChains(page.window).send_keys("0").perform()
        assert box.get_attribute("data-shown") == "0.0 100.0"
    assert page.problems == []


def test_curves_are_zoomed_together_and_stay_so_when_they_are_drawn_anew(page: Page) -> None:
    page.js("document.querySelector('#chart-loss').focus()")
    ActionChains(page.window).send_keys("+").perform()
    zoomed = "return echarts.getInstanceByDom(document.querySelector(arguments[0])).getOption().dataZoom[1].start"
    assert page.js(zoomed, "#chart-loss") == page.js(zoomed, "#chart-gradient") == pytest.approx(12.5)
    scheme = {"name": "prefers-color-scheme", "value": "dark"}
    page.window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    WebDriverWait(page.window, 60).until(lambda _: page.js("return matchMedia('(prefers-color-scheme: dark)').matches"))
    assert page.js(zoomed, "#chart-loss") == pytest.approx(12.5)
    assert page.problems == []


def test_the_wheel_scrolls_the_page_and_zooms_with_ctrl_alone(page: Page) -> None:
    box = page.window.find_element(By.ID, "chart-loss")
    page.js("arguments[0].scrollIntoView({block: 'center'})", box)
    place = page.js("const r = arguments[0].getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 3]", box)
    event = {"type": "mouseWheel", "x": place[0], "y": place[1], "deltaX": 0, "deltaY": -120}
    page.window.execute_cdp_cmd("Input.dispatchMouseEvent", event)
    assert box.get_attribute("data-shown") is None
    page.window.execute_cdp_cmd("Input.dispatchMouseEvent", {**event, "modifiers": 2})
    WebDriverWait(page.window, 60).until(lambda _: box.get_attribute("data-shown") not in (None, "0.0 100.0"))
    assert page.problems == []


def test_the_issue_text_is_copied(page: Page, fault: Report, tmp_path: Path) -> None:  # noqa: F811
    page.js("navigator.clipboard.writeText = async text => { window.copied = text; }; window.setTimeout = () => 0;")  # it stays
    page.window.find_element(By.ID, "copy").click()
    WebDriverWait(page.window, 60).until(lambda _: page.js("return window.copied"))
    assert page.js("return window.copied").startswith("## Cross-entropy receives probabilities")
    assert page.window.find_element(By.ID, "copied").text == "Copied"


def luminance(colour: str) -> float:
    parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_text_has_the_contrast_that_wcag_asks_for(
    opened: Opened, fault: Report, tmp_path: Path, dark: bool  # noqa: F811
) -> None:
    page = opened(render(fault, "html", context_of(tmp_path, "net.4")), WIDE, dark)
    pairs = page.js(
        """const found = new Map();
        const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
          if (!c.includes('rgba') && c.startsWith('rgb')) return c; } return null; };
        for (const e of document.querySelectorAll('main *')) {
          if (e.closest('svg') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
          const pair = [getComputedStyle(e).color, ground(e)];
          if (pair[1] && pair[0].startsWith('rgb')) found.set(pair.join(), [...pair, e.className || e.tagName]);
        }
        return [...found.values()];"""
    )
    assert len(pairs) > 5
    for ink, ground, name in pairs:
        lighter, darker = sorted((luminance(ink), luminance(ground)), reverse=True)
        assert (lighter + 0.05) / (darker + 0.05) >= 4.5, (name, ink, ground)


def test_paper_is_white_where_the_screen_is_dark(opened: Opened, fault: Report, tmp_path: Path) -> None:  # noqa: F811
    page = opened(render(fault, "html", context_of(tmp_path, "net.4")), WIDE, dark=True)
    of = "return getComputedStyle(document.querySelector(arguments[0])).backgroundColor"
    assert luminance(page.js(of, ".verdict")) < 0.2
    page.window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert luminance(page.js(of, "body")) == 1.0 and luminance(page.js(of, ".verdict")) > 0.8
    page.window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert page.problems == []


def test_it_can_be_printed(page: Page) -> None:
    document = base64.b64decode(page.window.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert document.startswith(b"%PDF") and len(document) > 20_000


def test_a_healthy_program_gets_a_calm_page(opened: Opened, clean_report: Report, tmp_path: Path) -> None:  # noqa: F811
    page = opened(render(clean_report, "html", context_of(tmp_path, "net.4")))
    verdict = page.window.find_element(By.CSS_SELECTOR, ".verdict").text
    assert "No fault found" in verdict and "40 of 44" in verdict
    assert "found" not in page.js("return [...document.querySelectorAll('.strip button')].map(e => e.className)")
    assert page.problems == []


def test_a_report_without_a_trace_has_its_verdict(opened: Opened, fault: Report) -> None:  # noqa: F811
    page = opened(render(fault, "html", Context()))
    assert page.drawn() == {} and "Cross-entropy" in page.window.title
    assert page.problems == []


def test_nothing_is_fetched(page: Page) -> None:
    page.window.refresh()
    resources = page.js("return performance.getEntriesByType('resource').map(e => e.name)")
    assert [item for item in resources if not item.startswith("data:")] == [], json.dumps(resources)


def test_a_report_shows_itself_in_a_notebook(opened: Opened, fault: Report, tmp_path: Path) -> None:  # noqa: F811
    context_of(tmp_path, "net.4")
    page = opened(f"<!doctype html><title>cell</title>{replace(fault, run=tmp_path)._repr_html_()}")
    page.window.switch_to.frame(page.window.find_element(By.TAG_NAME, "iframe"))
    assert "Cross-entropy receives" in page.window.find_element(By.ID, "verdict").text
    assert page.drawn()["chart-loss"] > 200
    page.window.switch_to.default_content()
    assert page.problems == []
