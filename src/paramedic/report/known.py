"""Findings that people know: a comment on the line says so, or the baseline. They are listed apart and never fail a run.

    criterion(probabilities, y)  # paramedic: ignore[softmax-before-cross-entropy] distillation
    # paramedic: ignore[R19] also on the line above

The baseline is a JSON file. Its entries are keyed by program, check and module path (the file, where a finding has no
module), so that they hold when lines move.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paramedic.checks.finding import Finding
from paramedic.report.model import Known, Report

SCHEMA = "paramedic-baseline/1"
COMMENT = re.compile(r"#\s*paramedic:\s*ignore(?:\[([^\]]*)\])?[ \t]*(.*)$")
Entry = dict[str, str]


class BaselineError(ValueError):
    """The baseline cannot be read; the text is one line and names the file."""


def without_ignored(report: Report, root: Path) -> Report:
    """The report with what comments in the code ignore moved to ``known``."""
    comments = [(finding, _comment(finding, root)) for finding in report.findings]
    known = tuple(Known(finding, "ignored", text) for finding, text in comments if text is not None)
    misspelt = dict.fromkeys(text for finding, why in comments if why is None for text in _misspelt(finding, root))
    if not known and not misspelt:
        return report
    return replace(
        report,
        findings=tuple(finding for finding, text in comments if text is None),
        known=report.known + known,
        not_observed=(*report.not_observed, *misspelt),
    )


def _comment(finding: Finding, root: Path) -> str | None:
    """The reason given on the finding's line or on a comment line right above it; None if there is no such comment."""
    for names, reason in _comments(finding, root):
        if not names or finding.check in names or finding.reason.casefold() in names:
            return reason
    return None


def _misspelt(finding: Finding, root: Path) -> Iterator[str]:
    """A sentence for each name in a comment at the finding that is neither a row nor a check."""
    from paramedic.config import known_selectors, nearest

    known = known_selectors()
    folded = {name.casefold() for name in known}
    for names, _ in _comments(finding, root):
        for name in names:
            if name not in folded and finding.where is not None:
                place = f"{finding.where.file}:{finding.where.line}"
                yield f'the comment that ignores "{name}" at {place}: no row or check is called so{nearest(name, known)}'


def _comments(finding: Finding, root: Path) -> Iterator[tuple[list[str], str]]:
    """(names, reason) of the comments on the finding's line, and on a comment line right above it."""
    if finding.where is None or finding.where.line < 1 or finding.level == "note":
        return
    try:
        lines = (root / finding.where.file).read_text(encoding="utf-8", errors="replace").splitlines()
    except (OSError, ValueError):
        return
    at = finding.where.line - 1
    above = lines[at - 1].strip() if 0 < at <= len(lines) else ""
    for text in (lines[at] if at < len(lines) else "", above if above.startswith("#") else ""):
        if match := COMMENT.search(text):
            names = [name.strip().casefold() for name in (match.group(1) or "").split(",") if name.strip()]
            yield names, match.group(2).strip()


def entry(finding: Finding, program: str) -> Entry:
    """What a finding is known by, and its sentence for people who read the file."""
    place = finding.module or (finding.where.file if finding.where is not None else "")
    return {"program": program, "check": finding.check, "place": place, "summary": finding.summary}


def _key(item: Entry) -> tuple[str, str, str]:
    return item["program"], item["check"], item["place"]


def program_of(report: Report) -> str:
    """The program as it was named: "train.py", "-m package.train"."""
    argv = report.program.get("argv") or [""]
    return str(argv[0])


def read(path: Path) -> list[Entry]:
    """The entries; none if there is no such file. BaselineError if it is damaged."""
    if not path.is_file():
        return []
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise BaselineError(f"{path}: not a baseline of schema {SCHEMA}")
        return [{key: str(item[key]) for key in ("program", "check", "place", "summary")} for item in document["known"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, BaselineError):
            raise
        raise BaselineError(f"{path}: not a baseline ({type(error).__name__})") from error


def write(path: Path, entries: Sequence[Entry]) -> None:
    ordered = sorted({_key(item): item for item in entries}.values(), key=_key)
    path.write_text(json.dumps({"schema": SCHEMA, "known": ordered}, indent=1) + "\n", encoding="utf-8")


def with_baseline(report: Report, entries: Sequence[Entry]) -> Report:
    """The report with what the baseline lists moved to ``known``, and what is gone in ``gone``."""
    program = program_of(report)
    keys = {_key(item) for item in entries}
    known = [item for item in report.findings if item.level != "note" and _key(entry(item, program)) in keys]
    seen = {_key(entry(item, program)) for item in known}
    gone = tuple(
        item["check"] for item in entries
        if item["program"] == program and _key(item) not in seen and _was_checked(report, item)
    )
    return replace(
        report,
        findings=tuple(item for item in report.findings if item not in known),
        known=report.known + tuple(Known(item, "baseline", "") for item in known),
        gone=gone,
    )


def _was_checked(report: Report, item: Entry) -> bool:
    """Whether the entry's check spoke in this run: silence of a check that was not made says nothing."""
    from paramedic.checks.registry import descriptions

    row = next((known.reason for known in descriptions() if known.name == item["check"]), None)
    if row is None:
        return True
    status: Any = report.reasons.get(row)
    return status is None or status.status != "not-checked"


def renewed(report: Report, entries: Sequence[Entry]) -> list[Entry]:
    """For --write-baseline: this program's alarms in the place of its old entries; other programs' stay."""
    program = program_of(report)
    alarms = [item for item in report.findings if item.level != "note"]
    old = [item.finding for item in report.known if item.why == "baseline"]
    others = [item for item in entries if item["program"] != program]
    return others + [entry(item, program) for item in (*alarms, *old)]


def pruned(report: Report, entries: Sequence[Entry]) -> list[Entry]:
    """For --prune-baseline: without this program's entries that no longer occur; the same check elsewhere stays."""
    program, gone = program_of(report), set(report.gone)
    seen = {_key(entry(item.finding, program)) for item in report.known if item.why == "baseline"}
    return [
        item for item in entries if item["program"] != program or item["check"] not in gone or _key(item) in seen
    ]
