"""The pages show what commands printed: nothing in them is typed by hand, and every check's page has its parts."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from paramedic.checks.registry import Description, descriptions

DOCS = Path(__file__).resolve().parent.parent / "docs"


@pytest.fixture
def docs(monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Any]:
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("shown"), importlib.import_module("pages")


def test_outputs_and_files_stand_in_the_pages_as_they_are(docs: tuple[Any, Any]) -> None:
    shown, _ = docs
    places = 0
    for page in shown.PAGES:
        text = page.read_text(encoding="utf-8")
        places += len(shown.PLACE.findall(text))
        assert shown.filled(text) == text, f"{page.name}: python docs/make_outputs.py --fill"
        assert text.count("<!-- output:") + text.count("<!-- file:") == len(shown.PLACE.findall(text)), page.name
    assert places


@pytest.mark.parametrize("check", descriptions(), ids=lambda item: item.name)
def test_page_of_a_check(check: Description, docs: tuple[Any, Any]) -> None:
    shown, pages = docs
    text = pages.page(check)
    assert f"# {check.name}" in text and "**Why it matters:**" in text
    example, output = shown.example_of(check), shown.stored(f"checks/{check.name}")
    assert example is None or "hl_lines" in text, "the two programs differ in no line"
    for first in re.findall(r"^``` .*linenums.*\n(.*)", text, flags=re.MULTILINE):
        assert first.strip(), "the highlighter drops an empty first line, and numbers the others wrongly"
    if example is not None and output is not None:  # `make_outputs.py --missing` makes those that are not there
        assert output.command == example.command
        said = output.text.partition("The 44 rows")[0].partition("\n")[2]
        assert check.name in said, "the report does not name the check"
