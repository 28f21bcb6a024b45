"""The report for a terminal or a pipe: the verdict first, in 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from paramedic.checks.finding import Finding
from paramedic.report.context import (
    STATUS_WORDS,
    CodeLine,
    Context,
    certainty,
    cost_text,
    ended_badly,
    grouped_rows,
    headline,
    next_command,
    place_text,
    proof_text,
)
from paramedic.report.escape import clean, clean_lines, number
from paramedic.report.model import Report

LABEL_COLUMNS = 10
BAR_COLUMNS = 32
MAX_NOTES = 6
MAX_PATCH_LINES = 16
LEVEL_STYLE = {"fault": "bold red", "suspect": "bold yellow", "note": "cyan"}
STATUS_STYLE = {"found": "red", "passed": "green", "not-applicable": "dim", "not-checked": "dim"}


def render(report: Report, context: Context) -> str:
    """Plain text, with ANSI colours if ``context.color``."""
    buffer = StringIO()
    console = Console(
        file=buffer,
        width=context.width,
        force_terminal=context.color,
        color_system="standard" if context.color else None,
        no_color=not context.color,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    console.print(Group(*_sections(report, context)))
    for line in _to_copy(report, context):
        console.print(line, soft_wrap=True)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def _sections(report: Report, context: Context) -> Iterator[RenderableType]:
    verdict = report.verdict
    style = LEVEL_STYLE[verdict.level] if verdict else "bold red" if ended_badly(report) else "bold green"
    yield Text(headline(report), style=style)
    if verdict is not None:
        yield Text(clean(verdict.summary, 600))
        yield Text()
        yield _details(verdict, context)
        if ending := ended_badly(report):
            yield Text(ending, style="red")
    others = [item for item in report.findings if item.level != "note" and item is not verdict]
    if others:
        yield Text("\nOther findings", style="bold")
        for finding in others:
            yield _other(finding)
    yield from _notes([item for item in report.findings if item.level == "note"])
    yield Text()
    yield _rows(report)
    yield from _footer(report, context)


def _table(lines: list[tuple[str, RenderableType]]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0), expand=False)
    table.add_column(width=LABEL_COLUMNS, style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in lines:
        table.add_row(Text(label), value)
    return table


def _details(finding: Finding, context: Context) -> Table:
    lines: list[tuple[str, RenderableType]] = []
    if place := place_text(finding):
        lines.append(("Where", Text(place, style="cyan")))
        lines += [("", _code(line)) for line in context.code(finding.where)]
    if finding.proof is not None:
        lines.append(("Proof", Text(proof_text(finding))))
        lines += [("", bar) for bar in _bars(finding)]
    for position, item in enumerate(finding.evidence):
        expected = f" (expected {clean(item.expected, 200)})" if item.expected else ""
        unit = f" {clean(item.unit, 40)}" if item.unit else ""
        text = f"{clean(item.name, 120)}: {number(item.value)}{unit}{expected}"
        lines.append(("Evidence" if position == 0 else "", Text(text)))
    if finding.remedy is not None:
        lines.append(("Remedy", Text(clean(finding.remedy.summary, 600), style="green")))
        if finding.remedy.patch:
            lines.append(("", _patch(finding.remedy.patch)))
    for position, symptom in enumerate(finding.explains):
        lines.append(("Explains" if position == 0 else "", Text(clean(symptom, 300))))
    return _table(lines)


def _code(line: CodeLine) -> Text:
    return Text(f"{line.number:>4} │ {line.text.rstrip()}", no_wrap=True, overflow="ellipsis")


def _bars(finding: Finding) -> list[Text]:
    """Before and after as two bars on one scale from zero; none where a value is negative or not finite."""
    proof = finding.proof
    assert proof is not None
    top = max(proof.before, proof.after)
    if not (0 < top < float("inf")) or min(proof.before, proof.after) < 0:
        return []
    return [
        Text.assemble(
            f"{label:<7}", ("█" * max(1, round(BAR_COLUMNS * value / top)), style), f" {number(value)}"
        )
        for label, value, style in (("before", proof.before, "red"), ("after", proof.after, "green"))
    ]


def _patch(patch: str) -> Text:
    lines = clean_lines(patch).strip("\n").split("\n")
    text = Text()
    for line in lines[:MAX_PATCH_LINES]:
        added, removed = line.startswith("+"), line.startswith("-")
        text.append(line + "\n", style="green" if added else "red" if removed else "dim")
    if len(lines) > MAX_PATCH_LINES:
        text.append(f"... {len(lines) - MAX_PATCH_LINES} more lines in report.html\n", style="dim")
    text.rstrip()
    return text


def _other(finding: Finding) -> RenderableType:
    title = Text.assemble(
        (f"{finding.reason} {clean(finding.check, 120)}", LEVEL_STYLE[finding.level]),
        f" ({certainty(finding)})",
    )
    if place := place_text(finding):
        title.append(f"  {place}", style="cyan")
    lines = [title, Text(clean(finding.summary, 600))]
    if finding.remedy is not None:
        lines.append(Text(f"→ {clean(finding.remedy.summary, 300)}", style="green"))
    return Padding(Group(*lines), (0, 0, 0, 2))


def _notes(notes: list[Finding]) -> Iterator[RenderableType]:
    if not notes:
        return
    yield Text("\nNotes", style="bold")
    for finding in notes[:MAX_NOTES]:
        yield Padding(
            Text(f"{finding.reason} {clean(finding.check, 60)}: {clean(finding.summary, 200)}"), (0, 0, 0, 2)
        )
    if len(notes) > MAX_NOTES:
        yield Text(f"  and {len(notes) - MAX_NOTES} more in the HTML report", style="dim")


def _rows(report: Report) -> RenderableType:
    groups = grouped_rows(report)
    counts = [f"{sum(map(len, groups[status].values()))} {word}" for status, word in STATUS_WORDS.items()]
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=14, no_wrap=True)
    table.add_column(overflow="fold")
    for status, word in STATUS_WORDS.items():
        for position, (why, rows) in enumerate(groups[status].items()):
            text = " ".join(rows) + (f": {why}" if why else "")
            label = Text(word if position == 0 else "", style=STATUS_STYLE[status])
            table.add_row(label, Text(text, style=STATUS_STYLE[status]))
    title = Text.assemble((f"The {len(report.reasons)} rows: ", "bold"), ", ".join(counts))
    return Group(title, Padding(table, (0, 0, 0, 2)))


def _footer(report: Report, context: Context) -> Iterator[RenderableType]:
    lines: list[tuple[str, RenderableType]] = []
    for name, reason in context.ignored.items():
        lines.append(("Ignored", Text(clean(name, 120) + (f": {clean(reason, 200)}" if reason else ""))))
    for name, error in report.errors.items():
        lines.append(("Error", Text(f"in {clean(name, 120)}: {clean(error, 300)}", style="red")))
    for position, text in enumerate(report.not_observed):
        lines.append(("Unseen" if position == 0 else "", Text(clean(text, 300))))
    if cost := cost_text(report):
        lines.append(("Cost", Text(cost)))
    if lines:
        yield Text()
        yield _table(lines)


def _to_copy(report: Report, context: Context) -> Iterator[Text]:
    """A path and a command, never broken over lines."""
    if context.run is not None:
        path = clean(context.run / "report.html", 400)
        yield Text.assemble(("Details".ljust(LABEL_COLUMNS + 1), "bold"), path)
    if report.verdict is not None and report.verdict.remedy is not None and report.verdict.remedy.patch:
        yield Text.assemble(("Fix".ljust(LABEL_COLUMNS + 1), "bold"), ("paramedic fix --verify", "bold"))
    if command := next_command(report):
        yield Text.assemble(("Next".ljust(LABEL_COLUMNS + 1), "bold"), (command, "bold"))
