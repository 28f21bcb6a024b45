"""Distributions of networks that were trained under observation: a healthy one and one whose gradients vanish."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from paramedic.capture.observer import Observer
from paramedic.report.context import Context
from paramedic.report.formats import render
from paramedic.report.model import Report
from paramedic.trace.store import Trace, TraceWriter
from tests.browser.conftest import Page
from tests.report.conftest import clean_report  # noqa: F401  (a fixture)


def trained(folder: Path, activation: type[nn.Module]) -> Context:
    """Eight layers on noise; the weights of both networks are equally large."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for _ in range(8):
        layers += [nn.Linear(24, 24), activation()]
    model = nn.Sequential(*layers, nn.Linear(24, 3))
    for module in model:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    observer = Observer(TraceWriter(folder / "trace.sqlite"), overhead=1e9)
    observer.install()
    try:
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
        for _ in range(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(torch.randn(32, 24)), torch.randint(3, (32,))).backward()
            optimizer.step()
    finally:
        observer.remove()
        observer.writer.close()
    return Context(trace=Trace(folder / "trace.sqlite"))


@pytest.mark.parametrize(("activation", "vanishing"), [(nn.ReLU, False), (nn.Sigmoid, True)])
def test_vanishing_gradients_are_seen(
    opened: Callable[..., Page], clean_report: Report, tmp_path: Path, activation: type[nn.Module], vanishing: bool  # noqa: F811
) -> None:
    page = opened(render(clean_report, "html", trained(tmp_path, activation)))
    assert page.js("return document.querySelector('#when-text').textContent") == "step 16"  # the last that is sampled of twenty
    text = page.js("return document.querySelector('#text-sizes').textContent")
    found = re.search(r"Gradients: (\S+) in model\.(\d+) to (\S+) in model\.(\d+)", text)
    assert found is not None, text
    ratio = float(found[3]) / float(found[1])
    assert (ratio > 1000) == vanishing and (ratio < 30) != vanishing, text
    if vanishing:
        assert (found[2], found[4]) == ("0", "16")
    # what the eye sees: how far the line of the gradients climbs, as a share of the chart's height
    climb = page.js(
        """const chart = echarts.getInstanceByDom(document.querySelector('#chart-sizes')), option = chart.getOption();
        const ys = option.series.find((s) => s.name === 'Gradients').data.filter((y) => y !== null);
        const at = (y) => chart.convertToPixel({ yAxisIndex: 0 }, y);
        return (at(ys[0]) - at(ys[ys.length - 1])) / chart.getHeight();"""
    )
    assert (climb > 0.25) == vanishing
    assert all(pixels > 200 for pixels in page.drawn().values())
    assert page.problems == []
