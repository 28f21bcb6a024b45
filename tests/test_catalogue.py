"""The catalogue is complete: every check has a row, a page, a faulty and a fixed program."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from paramedic.catalogue import ROW_BY_ID, ROWS
from paramedic.checks.registry import Description, descriptions

PROGRAMS = Path(__file__).resolve().parent.parent / "programs"
HEADINGS = ("What it measures:", "Why it matters:", "Fix:", "Not a fault when:", "References:")
CHECKS = descriptions()


def test_there_are_44_rows() -> None:
    assert len(ROWS) == len(ROW_BY_ID) == 44


def test_names_are_unique() -> None:
    names = [item.name for item in CHECKS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("check", CHECKS, ids=lambda item: item.name)
def test_page(check: Description) -> None:
    missing = [heading for heading in HEADINGS if heading not in check.doc]
    assert not missing, f"{check.path.name}: the docstring lacks {missing}"
    assert {check.reason, *check.also} <= set(ROW_BY_ID)
    assert check.cost in ("free", "replay", "experiment")


@pytest.mark.parametrize("table", sorted(PROGRAMS.glob("*/*/expect.json")), ids=lambda p: p.parent.name)
def test_programs_are_pairs_with_places(table: Path) -> None:
    expected = json.loads(table.read_text(encoding="utf-8"))
    faulty = {path.name for path in table.parent.glob("faulty*.py")}
    assert faulty == set(expected), "expect.json names the faulty programs of its folder, all of them"
    for name, entry in expected.items():
        source = (table.parent / name).read_text(encoding="utf-8")
        ast.parse(source)
        assert (table.parent / name.replace("faulty", "fixed", 1)).is_file(), name
        assert entry["reason"] in ROW_BY_ID and entry["lines"], name
        assert max(entry["lines"]) <= len(source.splitlines()), name
        assert "paramedic" not in source
        for cause in entry.get("causes", ()):
            assert cause["reason"] in ROW_BY_ID and max(cause["lines"]) <= len(source.splitlines()), name


NOT_BUILT: set[str] = set()  # rows with programs that no check speaks for yet


def test_every_fault_with_programs_is_spoken_for() -> None:
    """A fault folder's expected checks exist, so that a typing error can't hide a missing check."""
    names = {item.name for item in CHECKS}
    rows = {row for item in CHECKS for row in (item.reason, *item.also)}
    for table in PROGRAMS.glob("*/*/expect.json"):
        for entry in json.loads(table.read_text(encoding="utf-8")).values():
            known = entry["check"] in names or entry["reason"] in rows | NOT_BUILT
            assert known, f"{table}: nothing speaks for {entry['check']}"
