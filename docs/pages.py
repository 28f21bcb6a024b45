"""Makes the pages of the checks while mkdocs builds the site: from their docstrings, programs and stored outputs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from shown import ROOT, Example, example_of, stored

from paramedic.catalogue import ARTICLE, ROW_BY_ID, ROWS, Row
from paramedic.checks.registry import Description, descriptions

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

AROUND = 3  # equal lines around those that differ
LAST_LINES = 4  # of what the program itself prints before the report
HEADING = re.compile(r"^(What it measures|Why it matters|Fix|Not a fault when|References): *", re.MULTILINE)
COST = {
    "free": "free: it looks at what was recorded",
    "replay": "a replay of recorded steps",
    "experiment": "experiments within the budget",
}


def on_config(config: MkDocsConfig) -> None:
    """The checks' place in the navigation: section by section."""
    assert config.nav is not None
    for item in config.nav:
        if "Checks" in item:
            item["Checks"] = [{"All rows": "checks/index.md"}, *_navigation()]


def on_files(files: Files, config: MkDocsConfig) -> None:
    from mkdocs.structure.files import File

    files.append(File.generated(config, "checks/index.md", content=overview()))
    for check in descriptions():
        files.append(File.generated(config, f"checks/{check.name}.md", content=page(check)))


def _navigation() -> Iterator[dict]:
    for section in dict.fromkeys(row.section for row in ROWS):
        rows = [row.id for row in ROWS if row.section == section]
        mine = sorted((item for item in descriptions() if item.reason in rows), key=lambda item: rows.index(item.reason))
        if mine:
            yield {section.capitalize(): [{f"{item.reason} {item.name}": f"checks/{item.name}.md"} for item in mine]}


def overview() -> str:
    """All rows, and the checks that speak for each."""
    lines = ["---", "hide: [toc]", "---", "# The rows and their checks", ""]
    lines += [f"The rows are those of: {ARTICLE}. Each check has a page.", ""]
    for section in dict.fromkeys(row.section for row in ROWS):
        lines += [f"## {section.capitalize()}", "", "| row | | checks |", "|---|---|---|"]
        for row in (item for item in ROWS if item.section == section):
            lines.append(f"| <span id='{row.id}'></span>{row.id} | {_text(row.title)} | {_speakers(row)} |")
        lines.append("")
    return "\n".join(lines)


def _speakers(row: Row) -> str:
    own = [item for item in descriptions() if item.reason == row.id]
    also = [item for item in descriptions() if row.id in item.also]
    text = ", ".join(f"[{item.name}]({item.name}.md)" for item in own)
    if also:
        text += (", " if own else "") + ", ".join(f"[{item.name}]({item.name}.md) ({item.reason})" for item in also)
    return text or "none"


def page(check: Description) -> str:
    row = ROW_BY_ID[check.reason]
    first, *rest = HEADING.split(check.doc.strip())
    lines = ["---", f"title: {check.name}", "hide: [toc]", "---", f"# {check.name}", "", f"**{_text(first)}**", ""]
    lines += [f"{_row_link(row)}.", ""]
    if check.also:
        lines += ["Speaks also for: " + ", ".join(_row_link(ROW_BY_ID[item]) for item in check.also) + ".", ""]
    for heading, text in zip(rest[::2], rest[1::2], strict=True):
        lines += [f"**{heading}:** {_text(text)}", ""]
    lines += [f"**Needs:** {', '.join(check.needs)}. **Cost:** {COST[check.cost]}.", ""]
    example = example_of(check)
    lines += _programs(example) if example else ["## In a program", "", "There is no example of this fault yet.", ""]
    if check.thresholds:
        lines += _thresholds(check)
    return "\n".join(lines)


def _row_link(row: Row) -> str:
    return f"[{row.id}: {_text(row.title)}](index.md#{row.id})"


def _text(text: str) -> str:
    """Running text of a docstring as Markdown: its own signs are signs, what stands in backquotes is code."""
    parts = re.split(r"(`+[^`]+`+)", " ".join(text.split()))
    return "".join(
        part if number % 2 else re.sub(r"([\\*_\[\]|#~])", r"\\\1", part).replace("<", "&lt;")
        for number, part in enumerate(parts)
    )


def _programs(example: Example) -> list[str]:
    faulty, fixed = (path.read_text(encoding="utf-8").splitlines() for path in (example.faulty, example.fixed))
    lines = ["## In a program", "", f"`{example.faulty.relative_to(ROOT)}`, and the same without the fault:", ""]
    for group in difflib.SequenceMatcher(a=faulty, b=fixed, autojunk=False).get_grouped_opcodes(AROUND):
        sides = (
            ("faulty", example.faulty.name, faulty, [(tag, first, last) for tag, first, last, _, _ in group]),
            ("fixed", example.fixed.name, fixed, [(tag, first, last) for tag, _, _, first, last in group]),
        )
        lines += ['<div class="pair" markdown>', ""]
        for kind, title, source, blocks in sides:
            lines += _code(source, blocks, kind, title)
        lines += ["</div>", ""]
    output = stored(f"checks/{example.check}")
    lines += ["## What paramedic says", ""]
    if output is None:
        lines += [f"Not stored: `{example.command}`.", ""]
    else:
        lines += ["```text", *_report(output.text), "```", "", f"Made by {output.made.partition(', from ')[0]}."]
        if not output.made.endswith(example.digest):
            lines += ["The program has changed since: line numbers may differ."]
        lines += [""]
    for path, source in ((example.faulty, faulty), (example.fixed, fixed)):
        lines += [f'??? note "The whole of {path.name}"', "", '    ```python linenums="1"']
        lines += [f"    {line}".rstrip() for line in source] + ["    ```", ""]
    return lines


def _code(source: list[str], blocks: list[tuple[str, int, int]], kind: str, title: str) -> list[str]:
    """One side of a pair, its differing lines marked."""
    start, end = blocks[0][1], blocks[-1][2]
    while start < end - 1 and not source[start].strip():  # the highlighter drops empty lines at the beginning, and counts on
        start += 1
    marked = [n - start + 1 for tag, first, last in blocks if tag != "equal" for n in range(first, last)]
    marks = f' hl_lines="{" ".join(map(str, marked))}"' if marked else ""
    return [f'``` {{ .python .{kind} title="{title}" linenums="{start + 1}"{marks} }}', *source[start:end], "```", ""]


def _report(text: str) -> list[str]:
    """The command, the last of what the program printed, and the report up to its table of rows."""
    command, *printed = text.partition("\nThe 44 rows")[0].rstrip().split("\n")
    begins = next((n for n, line in enumerate(printed) if re.match(r"(Wrong|Probably|Note) {5}", line)), 0)
    if begins > LAST_LINES:
        printed = ["...", *printed[begins - LAST_LINES :]]
    return [command, *printed, "..."]


def _thresholds(check: Description) -> list[str]:
    lines = ["## Thresholds", "", "| in `[tool.paramedic.thresholds]` | value |", "|---|---|"]
    lines += [f'| `"{check.name}.{name}"` | {value:g} |' for name, value in check.thresholds.items()]
    return [*lines, ""]
