"""Markdown, for a pull request's comment or a job's summary."""

from __future__ import annotations

import re

from paramedic.catalogue import ROW_BY_ID
from paramedic.checks.finding import Finding
from paramedic.report.context import (
    STATUS_WORDS,
    Context,
    certainty,
    cost_text,
    ended_badly,
    evidence,
    grouped_rows,
    headline,
    known_text,
    phases_text,
    place_text,
    proof_text,
)
from paramedic.report.escape import clean, clean_lines, number
from paramedic.report.model import Report

# Everything that Markdown, HTML or GitHub (mentions, references, math) gives a meaning to, as an HTML entity.
_SPECIAL = re.compile(r"[\\`*_{}\[\]()<>#+!|~&@$:^=]|^[-.]|(?<=\d)\.")


def render(report: Report, context: Context) -> str:
    """Headings, a list and a table; no raw HTML."""
    lines = [f"## {escape(headline(report))}", ""]
    verdict = report.verdict
    if verdict is not None:
        name = escape(f"{verdict.reason} {clean(verdict.check, 120)}")
        lines += [f"**{name}** ({certainty(verdict)})", "", *_finding(verdict, context)]
        if ending := ended_badly(report):
            lines += [escape(ending), ""]
    others = [item for item in report.findings if item is not verdict and item.level != "note"]
    if others:
        lines += ["### Other findings", ""]
        lines += [_line(finding) for finding in others] + [""]
    notes = [item for item in report.findings if item.level == "note"]
    if notes:
        lines += ["### Notes", ""] + [_line(finding) for finding in notes] + [""]
    if report.known:
        lines += ["### Known", ""] + [f"- {escape(known_text(item))}" for item in report.known] + [""]
    lines += ["### All rows", "", "| status | rows | why |", "|---|---|---|"]
    for status, groups in grouped_rows(report).items():
        for why, rows in groups.items():
            names = ", ".join(f"{row} {ROW_BY_ID[row].title}" for row in rows)
            lines.append(f"| {STATUS_WORDS[status]} | {escape(names)} | {escape(why)} |")
    lines.append("")
    for name, text in report.errors.items():
        lines.append(f"- internal error in {escape(clean(name, 120))}: {escape(clean(text, 300))}")
    if phases := phases_text(report):
        lines.append(f"- trained: {escape(phases)}")
    lines += [f"- not observed: {escape(clean(text, 300))}" for text in report.not_observed]
    if cost := cost_text(report):
        lines.append(f"- cost: {escape(cost)}")
    return "\n".join(lines).rstrip("\n") + "\n"


def escape(text: str) -> str:
    """One line of text that Markdown shows as it is."""
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", text)


def _line(finding: Finding) -> str:
    place = f", {escape(place_text(finding))}" if place_text(finding) else ""
    name = escape(f"{finding.reason} {clean(finding.check, 120)}")
    return f"- **{name}** ({certainty(finding)}{place}) {escape(clean(finding.summary, 600))}"


def _finding(finding: Finding, context: Context) -> list[str]:
    lines = [escape(clean(finding.summary, 600)), ""]
    if place := place_text(finding):
        lines += [f"Where: {escape(place)}", ""]
    if code := context.code(finding.where, around=2):
        lines += _fence("python", "\n".join(line.text for line in code))
    if finding.proof is not None:
        lines += [f"Proof: {escape(proof_text(finding))}", ""]
    for item in evidence(finding):
        expected = f" (expected {clean(item.expected, 200)})" if item.expected else ""
        text = f"{clean(item.name, 120)}: {number(item.value)} {clean(item.unit, 40)}".rstrip() + expected
        lines.append(f"- {escape(text)}")
    lines += [""] if evidence(finding) else []
    if finding.remedy is not None:
        lines += [f"Remedy: {escape(clean(finding.remedy.summary, 600))}", ""]
        if finding.remedy.patch:
            lines += _fence("diff", clean_lines(finding.remedy.patch).strip("\n"))
    if finding.explains:
        lines += ["It explains:", ""] + [f"- {escape(clean(text, 300))}" for text in finding.explains] + [""]
    return lines


def _fence(language: str, text: str) -> list[str]:
    """A code block whose fence is longer than any run of backticks in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", text, fence, ""]
