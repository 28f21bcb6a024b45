"""SARIF 2.1.0, for code-scanning services."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from paramedic.catalogue import ROW_BY_ID
from paramedic.checks.finding import Finding
from paramedic.checks.registry import descriptions
from paramedic.report.context import Context, ended_badly, proof_text
from paramedic.report.escape import clean
from paramedic.report.model import Report, _version

SCHEMA_URI = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"fault": "error", "suspect": "warning", "note": "note"}


def render(report: Report, context: Context) -> str:
    """One SARIF run; each finding is a result, each check that found something a rule."""
    document = {"$schema": SCHEMA_URI, "version": "2.1.0", "runs": [_run(report, context)]}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _run(report: Report, context: Context) -> dict[str, Any]:
    names = list(dict.fromkeys(item.check for item in _all(report)))
    return {
        "tool": {
            "driver": {
                "name": "paramedic",
                "version": _version(),
                "rules": [_rule(name, report) for name in names],
            }
        },
        "invocations": [_invocation(report)],
        "results": [*_new(report, names), *_known(report, names)],
        "columnKind": "unicodeCodePoints",
    }


def _all(report: Report) -> list[Finding]:
    return [*report.findings, *(item.finding for item in report.known)]


def _new(report: Report, names: list[str]) -> list[dict[str, Any]]:
    """What counts. "new" is said only where there is a baseline to compare with."""
    results = [_result(item, names.index(item.check), rank) for rank, item in enumerate(report.findings, 1)]
    compared = bool(report.gone) or any(item.why == "baseline" for item in report.known)
    return [result | {"baselineState": "new"} for result in results] if compared else results


def _known(report: Report, names: list[str]) -> list[dict[str, Any]]:
    results = []
    for rank, item in enumerate(report.known, len(report.findings) + 1):
        result = _result(item.finding, names.index(item.finding.check), rank)
        if item.why == "baseline":
            result["baselineState"] = "unchanged"
            result["suppressions"] = [{"kind": "external", "justification": "in the baseline"}]
        else:
            reason = clean(item.reason, 300) or "no reason given"
            result["suppressions"] = [{"kind": "inSource", "justification": reason}]
        results.append(result)
    return results


def _rule(name: str, report: Report) -> dict[str, Any]:
    first = next(item for item in _all(report) if item.check == name)
    known = next((item for item in descriptions() if item.name == name), None)
    row = ROW_BY_ID.get(first.reason)
    rule: dict[str, Any] = {
        "id": clean(name, 120),
        "shortDescription": {"text": clean(known.doc.split("\n")[0] if known and known.doc else name, 300)},
        "properties": {"tags": [clean(first.reason, 8), *([row.section] if row else [])]},
    }
    if known and known.doc:
        rule["fullDescription"] = {"text": known.doc}
        rule["help"] = {"text": known.doc}
    return rule


def _invocation(report: Report) -> dict[str, Any]:
    notes = [
        {"level": "error", "message": {"text": f"internal error in {clean(name, 120)}: {clean(text, 600)}"}}
        for name, text in report.errors.items()
    ]
    if ending := ended_badly(report):
        notes.append({"level": "error", "message": {"text": ending}})
    return {"executionSuccessful": not notes, "toolExecutionNotifications": notes}


def _result(finding: Finding, rule: int, rank: int) -> dict[str, Any]:
    parts = [clean(finding.summary)]
    if finding.proof is not None:
        parts.append(f"Proof: {proof_text(finding)}")
    if finding.remedy is not None:
        parts.append(f"Remedy: {clean(finding.remedy.summary, 600)}")
    result: dict[str, Any] = {
        "ruleId": clean(finding.check, 120),
        "ruleIndex": rule,
        "level": LEVELS[finding.level],
        "message": {"text": ". ".join(part.rstrip(".") for part in parts) + "."},
        "rank": max(0.0, 100.0 - rank + 1),
        "partialFingerprints": {"paramedic/1": _fingerprint(finding)},
    }
    location: dict[str, Any] = {}
    if finding.where is not None:
        location["physicalLocation"] = {"artifactLocation": {"uri": _uri(finding.where.file)}}
        if finding.where.line >= 1:
            location["physicalLocation"]["region"] = {"startLine": finding.where.line}
    if finding.module:
        location["logicalLocations"] = [{"fullyQualifiedName": clean(finding.module, 200), "kind": "module"}]
    if location:
        result["locations"] = [location]
    return result


def _uri(file: str) -> str:
    path = Path(clean(file, 1_000))
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _fingerprint(finding: Finding) -> str:
    """The same for the same fault at the same place, whatever was measured."""
    key = "\0".join((finding.check, finding.where.file if finding.where else "", finding.module or ""))
    return hashlib.sha256(key.encode("utf-8", "backslashreplace")).hexdigest()[:32]
