"""JUnit XML: one test case per row of the catalogue."""

from __future__ import annotations

from xml.etree import ElementTree

from paramedic.catalogue import ROW_BY_ID
from paramedic.checks.finding import Finding
from paramedic.report.context import Context, certainty, ended_badly, known_text, place_text, proof_text
from paramedic.report.escape import clean
from paramedic.report.model import Report

FAILING = {"fault": ("fault",), "suspect": ("fault", "suspect"), "never": ()}


def render(report: Report, context: Context) -> str:
    """Findings at or above ``context.fail_on`` are failures, rows without a verdict are skipped."""
    suite = ElementTree.Element("testsuite", name="paramedic")
    counts = {"failure": 0, "skipped": 0, "error": 0}
    for row in report.reasons:
        _add_row(suite, row, report, context, counts)
    if ending := ended_badly(report):
        _add_error(suite, "the program itself", ending, counts)
    for name, text in report.errors.items():
        _add_error(suite, clean(name, 120), clean(text, 600), counts)
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(counts["failure"]))
    suite.set("skipped", str(counts["skipped"]))
    suite.set("errors", str(counts["error"]))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_row(
    suite: ElementTree.Element, row: str, report: Report, context: Context, counts: dict[str, int]
) -> None:
    section = ROW_BY_ID[row].section.replace(" ", "-")
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"paramedic.{section}", name=f"{row} {ROW_BY_ID[row].title}"
    )
    findings = [item for item in report.findings if item.reason == row and item.level != "note"]
    known = [known_text(item) for item in report.known if item.finding.reason == row]
    failing = [item for item in findings if item.level in FAILING[context.fail_on]]
    status = report.reasons[row]
    if failing:
        counts["failure"] += 1
        failure = ElementTree.SubElement(
            case, "failure", type=failing[0].check, message=clean(failing[0].summary)
        )
        failure.set("type", clean(failing[0].check, 120))
        failure.text = "\n".join(map(_details, failing))
    elif findings or known:
        ElementTree.SubElement(case, "system-out").text = "\n".join([*map(_details, findings), *known])
    elif status.status not in ("found", "passed"):
        counts["skipped"] += 1
        why = f"{status.status.replace('-', ' ')}: {clean(status.why, 300)}"
        ElementTree.SubElement(case, "skipped", message=why)


def _add_error(suite: ElementTree.Element, name: str, text: str, counts: dict[str, int]) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname="paramedic", name=name)
    ElementTree.SubElement(case, "error", message=text)
    counts["error"] += 1


def _details(finding: Finding) -> str:
    lines = [f"{finding.reason} {clean(finding.check, 120)} ({certainty(finding)})", clean(finding.summary)]
    if place := place_text(finding):
        lines.append(f"where: {place}")
    if finding.proof is not None:
        lines.append(f"proof: {proof_text(finding)}")
    if finding.remedy is not None:
        lines.append(f"remedy: {clean(finding.remedy.summary)}")
    return "\n".join(lines)
