"""Takes the pictures of the report that the pages and the README show: ``python docs/make_pictures.py``.

Runs the demo's program, opens its report.html in Chromium (tests/browser/install.sh brings it), and photographs the first
screen: once as it is, once with the parts numbered as ``docs/report.md`` lists them; and the distributions of a program
whose gradients vanish.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from shown import DOCS, ROOT

SIZE = (1280, 1000)
PARTS = [
    "#verdict",
    ".at",
    ".steps > section.wide",
    ".steps > section:nth-of-type(2)",
    ".steps > section:nth-of-type(3)",
    ".strip",
]
PLACE = """
const box = document.querySelector(arguments[0]).getBoundingClientRect();
return { x: box.left + scrollX - 12, y: box.top + scrollY - 4, width: box.width + 24, height: box.height + 8 };
"""
NUMBER = """
const [selector, number] = arguments;
const part = document.querySelector(selector);
const box = part.getBoundingClientRect(), badge = document.createElement('div');
badge.textContent = number;
Object.assign(badge.style, {
  position: 'absolute', left: `${Math.max(2, box.left + scrollX - 30)}px`, top: `${box.top + scrollY}px`, width: '26px',
  height: '26px', lineHeight: '26px', borderRadius: '13px', background: '#c2185b', color: 'white', textAlign: 'center',
  font: 'bold 15px/26px sans-serif', zIndex: 9,
});
document.body.append(badge);
"""


def main() -> None:
    window = browser()
    try:
        with tempfile.TemporaryDirectory() as folder:
            photograph(window, report(ROOT / "src" / "paramedic" / "demo" / "train.py", folder))
        with tempfile.TemporaryDirectory() as folder:
            vanishing = ROOT / "programs" / "R35" / "vanishing_gradients" / "faulty.py"
            photograph_part(window, report(vanishing, folder), "#distributions", "report-distributions.png")
    finally:
        window.quit()


def report(program: Path, folder: str) -> Path:
    shutil.copy(program, folder)
    subprocess.run([sys.executable, "-m", "paramedic", "run", program.name], cwd=folder, check=False)
    (page,) = Path(folder).glob(".paramedic/*/report.html")
    return page


def resize(window: webdriver.Chrome, height: float) -> None:
    metrics = {"width": SIZE[0], "height": int(height), "deviceScaleFactor": 1, "mobile": False}
    window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def browser() -> webdriver.Chrome:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))


def opened(window: webdriver.Chrome, page: Path) -> None:
    resize(window, SIZE[1])
    light = {"name": "prefers-color-scheme", "value": "light"}
    window.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [light]})
    window.get(page.as_uri())
    time.sleep(2)  # the charts are drawn


def photograph(window: webdriver.Chrome, page: Path) -> None:
    opened(window, page)
    window.save_screenshot(str(DOCS / "pictures" / "report.png"))
    bottom = "return document.querySelector(arguments[0]).getBoundingClientRect().bottom"
    resize(window, window.execute_script(bottom, PARTS[-1]) + 60)
    for number, selector in enumerate(PARTS, 1):
        window.execute_script(NUMBER, selector, number)
    window.save_screenshot(str(DOCS / "pictures" / "report-numbered.png"))


def photograph_part(window: webdriver.Chrome, page: Path, selector: str, name: str) -> None:
    opened(window, page)
    box = window.execute_script(PLACE, selector)
    found = window.execute_cdp_cmd("Page.captureScreenshot", {"clip": {**box, "scale": 1}, "captureBeyondViewport": True})
    (DOCS / "pictures" / name).write_bytes(base64.b64decode(found["data"]))


if __name__ == "__main__":
    main()
