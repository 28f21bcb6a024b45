"""Writes docs/checks.md, the pages of all rows and checks, from the docstrings: ``make docs``."""

from __future__ import annotations

from pathlib import Path

from paramedic.catalogue import ARTICLE, ROWS
from paramedic.checks.registry import descriptions


def page() -> str:
    """One heading per row, one per check of it."""
    lines = ["# The rows and their checks", "", f"The rows are those of: {ARTICLE}. Made by `make docs`.", ""]
    for row in ROWS:
        lines += [f"## {row.id}: {row.title}", ""]
        mine = [item for item in descriptions() if item.reason == row.id]
        also = [item.name for item in descriptions() if row.id in item.also]
        if also:
            lines += [f"Also spoken for by: {', '.join(also)}.", ""]
        if not mine and not also:
            lines += ["No check yet.", ""]
        for item in mine:
            lines += [f"### {item.name}", "", "```text", item.doc, "```", ""]
            lines += [f"Needs: {', '.join(item.needs)}. Cost: {item.cost}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    Path(__file__).with_name("checks.md").write_text(page(), encoding="utf-8")
