"""The report for a terminal or a pipe: the verdict first, in 80 columns."""

from __future__ import annotations

import math
import textwrap
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
    claim,
    confidence,
    cost_text,
    ended_badly,
    ended_early,
    evidence,
    grouped_rows,
    headline,
    known_text,
    learned,
    next_command,
    percent,
    phases_text,
    place_text,
    proof_text,
    sentence,
)
from paramedic.report.escape import clean, clean_lines, number
from paramedic.report.model import Report

LABEL_COLUMNS = 10
BAR_COLUMNS = 32
MAX_NOTES = 6
CODE_AROUND = 1
MAX_PATCH_LINES = 16
PATCH_AROUND = 1
CONTINUED = "    "  # before the rest of a line of a patch that is too wide
MAX_SYMPTOM = 160  # characters of what a cause explains: the whole stands in report.html
LEVEL_STYLE = {"fault": "bold red", "suspect": "bold yellow", "note": "cyan"}
MARKS = {"found": "!", "passed": "+", "not-applicable": "-", "not-checked": "?"}
STATUS_STYLE = {"found": "bold red", "passed": "green", "not-applicable": "dim", "not-checked": "dim"}


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
    if verdict is not None:
        yield _verdict(verdict, context)
        yield Text()
        yield _details(verdict, context)
        if ending := ended_badly(report):
            yield Text(ending, style="red")
    else:
        yield Text(headline(report), style="bold red" if ended_badly(report) else "bold green")
    others = [item for item in report.findings if item.level != "note" and item is not verdict]
    if others:
        yield Text("\nAlso found", style="bold")
        for finding in others:
            yield _other(finding)
    yield from _notes([item for item in report.findings if item.level == "note"])
    yield Text()
    yield _rows(report)
    yield from _footer(report, context)


def _verdict(finding: Finding, context: Context) -> Table:
    """What is wrong, where, and what to do: nothing else has to be read."""
    word = {"fault": "Wrong", "suspect": "Probably", "note": "Note"}[finding.level]
    style = LEVEL_STYLE[finding.level]
    lines: list[tuple[str, RenderableType]] = [(word, Text(claim(finding), style=style))]
    if place := place_text(finding):
        where = Text(place, style="bold cyan")
        code = context.code(finding.where)
        source = code[0].text.strip() if code else ""
        fits = len(place) + 2 + len(source) <= context.width - LABEL_COLUMNS - 1
        lines.append(("Where", where.append(f"  {source}", style="default") if source and fits else where))
        if source and not fits:
            lines.append(("", Text(source, no_wrap=True, overflow="ellipsis")))
    if finding.remedy is not None:
        lines.append(("Change", Text(sentence(clean(finding.remedy.summary, 600)), style="bold green")))
    return _table(lines)


def _table(lines: list[tuple[str, RenderableType]]) -> Table:
    table = Table.grid(padding=(0, 1, 0, 0), expand=False)
    table.add_column(width=LABEL_COLUMNS, style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in lines:
        table.add_row(Text(label), value)
    return table


def _details(finding: Finding, context: Context) -> Table:
    lines: list[tuple[str, RenderableType]] = []
    word, why = confidence(finding)
    name = f"{finding.reason} {clean(finding.check, 120)}"
    lines.append(("Finding", Text(f"{name} ({certainty(finding)})", style=LEVEL_STYLE[finding.level])))
    lines.append(("Seen", Text(sentence(clean(finding.summary, 600)))))
    lines += [("", _code(line)) for line in context.code(finding.where, CODE_AROUND)]
    lines.append((word, Text(sentence(proof_text(finding)) if finding.proof is not None else sentence(why))))
    lines += [("", bar) for bar in _bars(finding)]
    for position, item in enumerate(evidence(finding)):
        expected = f" (expected {clean(item.expected, 200)})" if item.expected else ""
        unit = f" {clean(item.unit, 40)}" if item.unit else ""
        text = f"{clean(item.name, 120)}: {number(item.value)}{unit}{expected}"
        lines.append(("Measured" if position == 0 else "", Text(text)))
    if finding.remedy is not None and finding.remedy.patch:
        lines.append(("Patch", _patch(finding.remedy.patch, context.width - LABEL_COLUMNS - 1)))
    for position, symptom in enumerate(finding.explains):
        lines.append(("Explains" if position == 0 else "", Text(clean(symptom, MAX_SYMPTOM))))
    return _table(lines)


def _code(line: CodeLine) -> Text:
    text = f"{line.number:>4} {'>' if line.marked else '│'} {line.text.rstrip()}"
    return Text(text, style="bold" if line.marked else "dim", no_wrap=True, overflow="ellipsis")


def _bars(finding: Finding) -> list[Text]:
    """Now and changed as two bars on one scale from zero; none where a value is negative or not finite."""
    proof = finding.proof
    if proof is None:
        return []
    shares = proof.unit == "u"
    before, after = learned(proof)[:2] if shares else (proof.before, proof.after)
    top = 1.0 if shares else max(before, after)
    if not (0 < top < float("inf")) or not all(map(math.isfinite, (before, after))) or (not shares and min(before, after) < 0):
        return []
    return [
        Text.assemble(
            f"{label:<8}",
            ("█" * max(1, min(BAR_COLUMNS, round(BAR_COLUMNS * value / top))), style),
            f" {percent(value) if shares else number(value)}",
        )
        for label, value, style in (("now", before, "red"), ("changed", after, "green"))
    ]


def _patch(patch: str, width: int) -> Text:
    """What changes, with a line around it: what is added or removed in whole, the context as far as it fits."""
    lines = _near_changes(clean_lines(patch).strip("\n").split("\n"))
    text = Text(no_wrap=True, overflow="ellipsis")
    for line in lines[:MAX_PATCH_LINES]:
        changed = line[:1] in ("+", "-")
        style = {"+": "green", "-": "red"}.get(line[:1], "dim")
        text.append("\n".join(_broken(line, width) if changed else [line]) + "\n", style=style)
    if len(lines) > MAX_PATCH_LINES:
        text.append(f"... {len(lines) - MAX_PATCH_LINES} more lines in report.html\n", style="dim")
    text.rstrip()
    return text


def _broken(line: str, width: int) -> list[str]:
    """A line of a patch that is too wide, over several: each with the mark, and deeper than the code."""
    mark, code = line[0], line[1:].expandtabs(4)
    indent = " " * min(len(code) - len(code.lstrip()), width // 2)
    pieces = textwrap.wrap(
        code.strip(), max(20, width - 1 - len(indent)), initial_indent="", subsequent_indent=CONTINUED,
        break_on_hyphens=False, drop_whitespace=True,
    )  # fmt: skip
    return [mark + indent + piece for piece in pieces] or [line]


def _near_changes(lines: list[str]) -> list[str]:
    """Without the names of the files and the context that is further away than a line."""
    body = [line for line in lines if not line.startswith(("--- ", "+++ ", "@@ ", "\\ "))]
    changed = [at for at, line in enumerate(body) if line[:1] in ("+", "-")]
    near = [at for at in range(len(body)) if any(abs(at - other) <= PATCH_AROUND for other in changed)]
    return [line for at in near for line in (["..."] if at and at - 1 not in near and at != near[0] else []) + [body[at]]]


def _other(finding: Finding) -> RenderableType:
    title = Text.assemble((claim(finding), LEVEL_STYLE[finding.level]))
    if place := place_text(finding):
        title.append(f"  {place}", style="cyan")
    lines = [title, Text(f"{finding.reason} {clean(finding.check, 120)} ({certainty(finding)}): {clean(finding.summary, 600)}")]
    if finding.remedy is not None:
        lines.append(Text(f"→ {sentence(clean(finding.remedy.summary, 300))}", style="green"))
    return Padding(Group(*lines), (0, 0, 0, 2))


def _notes(notes: list[Finding]) -> Iterator[RenderableType]:
    if not notes:
        return
    yield Text("\nNotes", style="bold")
    for finding in notes[:MAX_NOTES]:
        text = Text(f"{finding.reason} {clean(finding.check, 60)}: {clean(finding.summary, 400)}")
        if finding.remedy is not None and finding.remedy.patch:
            text.append(f" (to try it: paramedic fix --verify --check {clean(finding.check, 60)})", style="green")
        yield Padding(text, (0, 0, 0, 2))
    if len(notes) > MAX_NOTES:
        yield Text(f"  and {len(notes) - MAX_NOTES} more in the HTML report", style="dim")


def _rows(report: Report) -> RenderableType:
    """The strip of all rows, and then the reasons of those that were not judged."""
    groups = grouped_rows(report)
    counts = [f"{sum(map(len, groups[status].values()))} {word}" for status, word in STATUS_WORDS.items()]
    strip = Text()
    for row, judged in report.reasons.items():
        strip.append(f"{row}{MARKS[judged.status]}", style=STATUS_STYLE[judged.status])
        strip.append(" ")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=14, no_wrap=True)
    table.add_column(overflow="fold")
    for status in ("not-applicable", "not-checked"):
        for position, (why, rows) in enumerate(groups[status].items()):
            text = " ".join(rows) + (f": {why}" if why else "")
            label = Text(STATUS_WORDS[status] if position == 0 else "", style=STATUS_STYLE[status])
            table.add_row(label, Text(text, style=STATUS_STYLE[status]))
    title = Text.assemble((f"The {len(report.reasons)} rows: ", "bold"), ", ".join(counts))
    legend = Text("! found  + passed  - not applicable  ? not checked", style="dim")
    return Group(title, Padding(Group(strip, legend, table), (0, 0, 0, 2)))


def _footer(report: Report, context: Context) -> Iterator[RenderableType]:
    lines: list[tuple[str, RenderableType]] = []
    if phases := phases_text(report):
        lines.append(("Trained", Text(phases)))
    for name, reason in context.ignored.items():
        lines.append(("Ignored", Text(clean(name, 120) + (f": {clean(reason, 200)}" if reason else ""))))
    for position, known in enumerate(report.known):
        lines.append(("Known" if position == 0 else "", Text(known_text(known))))
    if report.gone:
        gone = clean(", ".join(report.gone), 300)
        lines.append(("Gone", Text(f"{gone}: in the baseline, found no more; --prune-baseline drops them")))
    for position, text in enumerate(_read(report.program.get("data"))):
        lines.append(("Read" if position == 0 else "", Text(text)))
    for error, names in _same_errors(report).items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        lines.append(("Error", Text(f"in {clean(names[0], 120)}{others}: {clean(error, 300)}", style="red")))
    for position, text in enumerate(report.not_observed):
        lines.append(("Unseen" if position == 0 else "", Text(clean(text, 300))))
    if early := ended_early(report):
        lines.append(("Ended", Text(early)))
    if cost := cost_text(report):
        lines.append(("Cost", Text(cost)))
    if lines:
        yield Text()
        yield _table(lines)


def _read(splits: object) -> Iterator[str]:
    """How much of which shape a data set alone has, by split."""
    for name, found in splits.items() if isinstance(splits, dict) else ():
        if isinstance(found, dict) and isinstance(found.get("rows"), int):
            shape = " x ".join(clean(size, 12) for size in found.get("shape") or ()) or "1"
            classes = f", {len(found['labels'])} classes" if isinstance(found.get("labels"), dict) else ""
            if found.get("labelled") is False:
                classes = ", no labels (--label names their column, key or array)"
            yield f"{clean(name, 60)}: {found['rows']:,} rows of {shape}{classes}"


def _same_errors(report: Report) -> dict[str, list[str]]:
    """Internal errors by their text: what several checks share may fail in all of them."""
    found: dict[str, list[str]] = {}
    for name, error in report.errors.items():
        found.setdefault(error, []).append(name)
    return found


def _to_copy(report: Report, context: Context) -> Iterator[Text]:
    """A path and a command, never broken over lines."""
    if context.run is not None:
        path = clean(context.run / "report.html", 400)
        yield Text.assemble(("Details".ljust(LABEL_COLUMNS + 1), "bold"), path)
    if report.verdict is not None and report.verdict.remedy is not None and report.verdict.remedy.patch:
        yield Text.assemble(("Fix".ljust(LABEL_COLUMNS + 1), "bold"), ("paramedic fix --verify", "bold"))
    if command := next_command(report):
        yield Text.assemble(("Next".ljust(LABEL_COLUMNS + 1), "bold"), (command, "bold"))
