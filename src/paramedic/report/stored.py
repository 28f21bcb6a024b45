"""Reads what ``Report.to_json`` wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from paramedic.catalogue import ROWS
from paramedic.checks.finding import LEVELS, Evidence, Finding, Proof, Remedy
from paramedic.report.model import SCHEMA, Known, Report, RowStatus
from paramedic.trace.place import Place

STATUSES = ("found", "passed", "not-applicable", "not-checked")


def read(document: Any, run: Path | None = None) -> Report:
    """A report from its JSON; ValueError if the document is not of schema "paramedic/1"."""
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise ValueError(f"not a report of schema {SCHEMA}")
    try:
        return Report(
            findings=tuple(_finding(item) for item in document["findings"]),
            reasons={row.id: _status(document["reasons"].get(row.id)) for row in ROWS},
            program=dict(document.get("program") or {}),
            cost=dict(document.get("cost") or {}),
            not_observed=tuple(map(str, document.get("not_observed") or ())),
            errors={str(key): str(value) for key, value in (document.get("errors") or {}).items()},
            run=run,
            known=tuple(
                Known(_finding(item), str(item["why"]), str(item.get("comment", ""))) for item in document.get("known") or ()
            ),
            gone=tuple(map(str, document.get("gone") or ())),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"damaged report ({type(error).__name__}: {error})") from error


def _status(item: Any) -> RowStatus:
    if not item:
        return RowStatus("not-checked", "not in the report")
    status = item["status"]
    return RowStatus(status if status in STATUSES else "not-checked", str(item.get("why", "")))


def _finding(item: dict[str, Any]) -> Finding:
    if item["level"] not in LEVELS:
        raise ValueError(f"unknown level {item['level']!r}")
    where = item.get("where") or {}
    place = None
    if where.get("file") is not None:
        place = Place(str(where["file"]), int(where.get("line") or 0))
    remedy = item.get("remedy")
    return Finding(
        reason=str(item["reason"]),
        check=str(item["check"]),
        level=item["level"],
        summary=str(item["summary"]),
        where=place,
        module=where.get("module"),
        evidence=tuple(
            Evidence(str(one["name"]), one["value"], str(one.get("expected", "")), str(one.get("unit", "")))
            for one in item.get("evidence") or ()
        ),
        remedy=Remedy(str(remedy["summary"]), remedy.get("patch"), remedy.get("verified")) if remedy else None,
        proof=_proof(item["proof"]) if item.get("proof") else None,
        explains=tuple(map(str, item.get("explains") or ())),
    )


def _proof(item: dict[str, Any]) -> Proof:
    low, high = item["interval"]
    return Proof(
        experiment=str(item["experiment"]),
        before=float(item["before"]),
        after=float(item["after"]),
        interval=(float(low), float(high)),
        seeds=int(item["seeds"]),
        unit=str(item.get("unit", "u")),
        changed=str(item.get("changed", "")),
    )
