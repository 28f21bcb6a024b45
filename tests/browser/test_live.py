"""The live page: points of a running program appear within 2 s, and its report when there is one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from selenium import webdriver

from paramedic.cli.view import HOST, Server, serve
from paramedic.report.model import Report
from paramedic.trace.store import FINDINGS, HistogramRow, StepRow, TraceError, TraceWriter
from tests.browser.conftest import WIDE, Page
from tests.report.conftest import HOSTILE, fault  # noqa: F401  (a fixture)


@pytest.fixture
def writer(tmp_path: Path) -> TraceWriter:
    made = TraceWriter(tmp_path / "trace.sqlite")
    made.meta("program", {"argv": ["train.py"], "steps": 0, "crashed": None})
    return made


@pytest.fixture
def server(writer: TraceWriter, tmp_path: Path) -> Iterator[Server]:
    made = serve(tmp_path)
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def steps(writer: TraceWriter, first: int, last: int, loss: float = 1.0) -> None:
    for step in range(first, last):
        writer.step(StepRow(step, 0, 0.1 * step, loss, 0.1, None, {}))
    writer.flush()


def wait(condition: Callable[[], bool]) -> None:
    """Far above the 2 s that it takes on an idle machine; how long it took is not asserted."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_points_alarms_and_the_report_appear(
    chromium: webdriver.Chrome, server: Server, writer: TraceWriter, fault: Report  # noqa: F811
) -> None:
    page = Page(chromium, server.address, WIDE, dark=False)
    steps(writer, 0, 20)
    wait(lambda: "20 optimizer steps" in page.js("return document.getElementById('progress').textContent"))
    assert page.drawn()["chart-loss"] > 200
    assert not page.js("return document.querySelector('.verdict').classList.contains('is-fault')")
    steps(writer, 20, 30, float("nan"))
    wait(lambda: "since step 20" in page.js("return document.getElementById('live-findings').textContent"))
    assert page.js("return document.querySelector('.verdict').classList.contains('is-fault')")
    writer.meta("report", fault.to_json())
    wait(lambda: "Cross-entropy" in chromium.title)
    assert page.problems == []


def test_a_certain_finding_appears_and_what_is_known_is_not_sent_again(
    chromium: webdriver.Chrome, server: Server, writer: TraceWriter, tmp_path: Path
) -> None:
    steps(writer, 0, 20)
    page = Page(chromium, server.address, WIDE, dark=False)
    wait(lambda: "20 optimizer steps" in page.js("return document.getElementById('progress').textContent"))
    first = json.loads(server.follower.news(""))
    assert first["news"]["last"] == 19
    assert json.loads(server.follower.news(first["version"])) == {"done": False, "version": first["version"]}
    found = {"check": "missing-step", "claim": "No step", "place": "a.py:3", "summary": "<b>none</b>", "remedy": "call step"}
    (tmp_path / FINDINGS).write_text(json.dumps([found]), encoding="utf-8")
    wait(lambda: "a.py:3" in page.js("return document.getElementById('live-findings').textContent"))
    shown = page.js("return document.getElementById('live-findings').innerText")
    assert chromium.title == "No step" in shown and "<b>none</b>" in shown and "Call step" in shown
    assert page.problems == []


def test_a_question_that_finds_the_file_locked_is_asked_again(
    chromium: webdriver.Chrome, server: Server, writer: TraceWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps(writer, 0, 20)
    news, page_of, asked = server.follower.news, server.follower.page, {"news": 0, "page": 0}

    def locked(name: str, real: Callable[..., str], *arguments: str) -> str:
        asked[name] += 1
        if asked[name] in (1, 3, 4, 5, 6, 7):
            raise TraceError("database is locked")
        return real(*arguments)

    monkeypatch.setattr(server.follower, "news", lambda known: locked("news", news, known))
    monkeypatch.setattr(server.follower, "page", lambda: locked("page", page_of))
    page = Page(chromium, server.address, WIDE, dark=False)
    wait(lambda: "20 optimizer steps" in page.js("return document.getElementById('progress').textContent"))
    steps(writer, 20, 40)
    wait(lambda: "40 optimizer steps" in page.js("return document.getElementById('progress').textContent"))
    assert asked["news"] > 7 and asked["page"] == 2
    assert page.problems == []


def test_distributions_appear_and_are_not_sent_again(
    chromium: webdriver.Chrome, server: Server, writer: TraceWriter
) -> None:
    steps(writer, 0, 5)
    page = Page(chromium, server.address, WIDE, dark=False)
    wait(lambda: "5 optimizer steps" in page.js("return document.getElementById('progress').textContent"))
    assert page.js("return document.querySelector('#distributions').hidden")
    figures = "document.querySelectorAll('#histograms figure').length"
    shown = f"return document.querySelector('#when-text').textContent + ' ' + {figures}"
    for step in (0, 4):
        for quantity in ("gradient", "weight"):
            for name in ("net.0", HOSTILE):
                writer.histogram(HistogramRow(step, f"{name}.weight", quantity, -1.0, 1.0, 0.0, 0.3, 0, (1, 5, 9, 5, 1)))
        steps(writer, 5 + 5 * step, 10 + 5 * step)
        wait(lambda step=step: page.js(shown) == f"step {step} 2")
    first = json.loads(server.follower.news(""))
    steps(writer, 40, 50)
    second = json.loads(server.follower.news(first["version"]))
    assert "distributions" in first["news"] and "distributions" not in second["news"]
    page.js("const e = document.querySelector('#when'); e.value = 0; e.dispatchEvent(new Event('input'))")
    writer.histogram(HistogramRow(16, "net.0.weight", "weight", -1.0, 1.0, 0.0, 0.3, 0, (1, 5, 9, 5, 1)))
    steps(writer, 50, 60)
    wait(lambda: page.js("return document.querySelector('#when').max") == "2")
    assert page.js("return document.querySelector('#when-text').textContent") == "step 0"  # as it was chosen
    assert page.js("return document.querySelectorAll('script').length") == 3
    assert page.problems == []


def test_other_addresses_and_other_names_of_the_machine_get_nothing(server: Server) -> None:
    path = f"/{server.secret}/"
    for address, host, status in (
        (path, f"{HOST}:{server.server_port}", 200),
        (path, "evil.example", 404),
        ("/", f"{HOST}:{server.server_port}", 404),
        (path + "../../etc/passwd", f"{HOST}:{server.server_port}", 404),
    ):
        connection = HTTPConnection(HOST, server.server_port, timeout=30)
        connection.request("GET", address, headers={"Host": host})
        assert connection.getresponse().status == status, (address, host)
        connection.close()
    assert server.server_address[0] == HOST
