"""GitHub Actions workflow commands: findings appear as annotations on the lines of a pull request."""

from __future__ import annotations

from paramedic.checks.finding import Finding
from paramedic.report.context import Context, ended_badly, headline, proof_text
from paramedic.report.escape import clean
from paramedic.report.model import Report

COMMANDS = {"fault": "error", "suspect": "warning", "note": "notice"}


def render(report: Report, context: Context) -> str:
    """One command per finding, and one for a crash."""
    lines = [_command(finding) for finding in report.findings]
    if ending := ended_badly(report):
        lines.append(f"::error title=paramedic::{_data(ending)}")
    if not lines:
        lines.append(f"::notice title=paramedic::{_data(headline(report))}")
    return "\n".join(lines) + "\n"


def _command(finding: Finding) -> str:
    properties = []
    if finding.where is not None:
        properties.append(f"file={_property(clean(finding.where.file, 400))}")
        if finding.where.line >= 1:
            properties.append(f"line={finding.where.line}")
    properties.append(f"title={_property(f'{finding.reason} {clean(finding.check, 120)}')}")
    parts = [clean(finding.summary)]
    if finding.proof is not None:
        parts.append(f"Proof: {proof_text(finding)}")
    if finding.remedy is not None:
        parts.append(f"Remedy: {clean(finding.remedy.summary)}")
    return f"::{COMMANDS[finding.level]} {','.join(properties)}::{_data(chr(10).join(parts))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
