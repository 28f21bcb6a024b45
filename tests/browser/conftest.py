"""One headless Chromium for all tests of the page. `tests/browser/install.sh` brings it; without it they fail."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

WIDE, PHONE = (1280, 900), (390, 844)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    assert browser and driver, "no Chromium: run tests/browser/install.sh"
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    window = webdriver.Chrome(options=options, service=Service(driver))
    yield window
    window.quit()


class Page:
    """A report that was opened; ``problems`` are the console's messages."""

    def __init__(self, window: webdriver.Chrome, address: str, size: tuple[int, int], dark: bool) -> None:
        self.window = window
        window.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size == PHONE},
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        window.get("about:blank")  # the live page of an earlier test goes on asking its server, which is gone
        window.get_log("browser")
        window.get(address)

    @property
    def problems(self) -> list[str]:
        return [entry["message"] for entry in self.window.get_log("browser") if "favicon" not in entry["message"]]

    def js(self, code: str, *arguments: Any) -> Any:
        return self.window.execute_script(code, *arguments)

    def drawn(self) -> dict[str, int]:
        """Charts by id or title, with the number of pixels that are not empty."""
        return self.js(
            """const found = {};
            for (const box of document.querySelectorAll('.chart[data-drawn]')) {
              const canvas = box.querySelector('canvas'), copy = document.createElement('canvas');
              copy.width = canvas.width; copy.height = canvas.height;
              const read = copy.getContext('2d', { willReadFrequently: true });  // or Chromium complains, the second time
              read.drawImage(canvas, 0, 0);
              const pixels = read.getImageData(0, 0, copy.width, copy.height).data;
              let count = 0;
              for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) count++;
              found[box.id || box.getAttribute('aria-label').slice(0, 40)] = count;
            }
            return found;"""
        )


@pytest.fixture
def opened(chromium: webdriver.Chrome, tmp_path: Path) -> Callable[..., Page]:
    """``opened(html, PHONE)``: the page from a file."""

    def open_page(html: str, size: tuple[int, int] = WIDE, dark: bool = False) -> Page:
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        return Page(chromium, path.as_uri(), size, dark)

    return open_page
