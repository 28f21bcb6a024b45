"""The report: ranked findings, the status of all 44 rows, and what it cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paramedic.catalogue import ROWS
from paramedic.checks.finding import DATA_ONLY, NOT_SELECTED, Finding, Outcome

SCHEMA = "paramedic/1"


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("paramedic")
    except PackageNotFoundError:
        return "0"


@dataclass(frozen=True)
class RowStatus:
    """found, passed, not-applicable or not-checked, and why."""

    status: str
    why: str


@dataclass(frozen=True)
class Known:
    """A finding that does not count: why is "ignored" (by a comment in the code, with its reason) or "baseline"."""

    finding: Finding
    why: str
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """What ``run``, ``watch`` and ``diagnose`` give.

    findings: ranked, the first is the main cause. program: argv, steps, crashed and how it ended.
    reasons: status of every row of the catalogue. not_observed: what the capture could not see.
    errors: internal errors of checks, by check name. cost: overhead (share) and experiments_s.
    known: findings that people know of. gone: checks of the baseline's entries that no longer occur.
    """

    findings: tuple[Finding, ...]
    reasons: dict[str, RowStatus]
    program: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    not_observed: tuple[str, ...] = ()
    errors: dict[str, str] = field(default_factory=dict)
    run: Path | None = None
    known: tuple[Known, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def verdict(self) -> Finding | None:
        """The main cause: the first fault or suspect."""
        return next((finding for finding in self.findings if finding.level != "note"), None)

    def to_json(self) -> dict[str, Any]:
        """Schema "paramedic/1"; non-finite numbers become text."""
        from paramedic.trace.store import _plain

        return _plain(
            {
                "schema": SCHEMA,
                "version": _version(),
                "program": self.program,
                "findings": [finding.to_json(rank) for rank, finding in enumerate(self.findings, 1)],
                "reasons": {
                    key: {"status": value.status, "why": value.why} for key, value in self.reasons.items()
                },
                "cost": self.cost,
                "not_observed": list(self.not_observed),
                "errors": self.errors,
                "known": [
                    {**item.finding.to_json(rank), "why": item.why, "comment": item.reason}
                    for rank, item in enumerate(self.known, 1)
                ],
                "gone": list(self.gone),
            }
        )

    def dumps(self) -> str:
        return json.dumps(self.to_json(), indent=2, default=str)

    @staticmethod
    def from_json(document: dict[str, Any], run: Path | None = None) -> Report:
        """The report that ``to_json`` wrote; ValueError if it is none, or of another schema."""
        from paramedic.report.stored import read

        return read(document, run)

    def render(self, format: str = "text") -> str:
        """The report as text, json, html, sarif, junit, github or markdown."""
        from paramedic.report.formats import render

        return render(self, format)

    def _repr_html_(self) -> str:
        """In a notebook: the page in a frame of its own, so that neither can change the other."""
        from html import escape

        from paramedic.report.context import Context
        from paramedic.report.formats import render
        from paramedic.trace.store import Trace, TraceError

        try:
            trace = Trace(self.run / "trace.sqlite") if self.run is not None else None
        except TraceError:
            trace = None
        page = render(self, "html", Context(trace=trace))
        return (
            '<iframe sandbox="allow-scripts" style="width: 100%; height: 46rem; border: 0" title="paramedic" '
            f'srcdoc="{escape(page)}"></iframe>'
        )

    def __str__(self) -> str:
        return self.render()

    def exit_code(self, fail_on: str = "fault") -> int:
        """0 or 1, by the levels found and whether the program crashed."""
        levels = {"fault": {"fault"}, "suspect": {"fault", "suspect"}, "never": set()}[fail_on]
        if fail_on != "never" and self.program.get("crashed"):
            return 1
        return int(any(finding.level in levels for finding in self.findings))


_ORDER = ("found", "passed", "not-checked", "not-applicable")


def row_statuses(outcomes: Sequence[Outcome], findings: Sequence[Finding]) -> dict[str, RowStatus]:
    """One status per row: found beats passed beats not-checked beats not-applicable.

    A row whose only findings are listed under their cause is "found" too, and says under which cause; so is one whose checks
    have all found something that belongs to another row first (row 27, by the check of S5).
    """
    return {row.id: _row_status(row.id, outcomes, findings) for row in ROWS}


def _numbers(outcome: Outcome) -> str:
    """What a check measured although it found nothing: its own words."""
    return f"{outcome.check}: {outcome.why}" if outcome.why else ""


def _row_status(row: str, outcomes: Sequence[Outcome], findings: Sequence[Finding]) -> RowStatus:
    alarms = [item for item in findings if item.reason == row and item.level != "note"]
    if alarms:
        return RowStatus("found", alarms[0].summary)
    seen = [item for outcome in outcomes for item in outcome.findings if item.reason == row and item.level != "note"]
    if seen:
        cause = next((item for item in findings if any(seen[0].check in text for text in item.explains)), None)
        under = f" (explained by {cause.reason} {cause.check})" if cause is not None else ""
        return RowStatus("found", seen[0].summary + under)
    mine = [outcome for outcome in outcomes if row in outcome.reasons]
    if not mine:
        return RowStatus("not-checked", "not built yet")
    by_status = {name: [item for item in mine if item.status == name] for name in _ORDER}
    others = [item for outcome in by_status["found"] for item in outcome.findings if item.level != "note"]
    if others and not by_status["passed"]:  # all that speak for the row have found something, and say it in another one
        return RowStatus("found", f"{others[0].summary} (row {others[0].reason})")
    passed = by_status["passed"] + by_status["found"]
    if passed:
        silent = [item for item in mine if item.status == "not-checked" and item.why != NOT_SELECTED]
        open_ = [f"; {item.check} gave no verdict: {item.why}" for item in silent]
        return RowStatus("passed", ", ".join(sorted(_numbers(item) or item.check for item in passed)) + "".join(open_))
    ran = [item for item in by_status["not-checked"] if item.why != NOT_SELECTED] or not by_status["not-applicable"]
    status = "not-checked" if by_status["not-checked"] and ran else "not-applicable"
    # The row's own checks say it better than those that speak for it beside another row; those that ran, best.
    best = min(by_status[status], key=lambda item: (item.why in (NOT_SELECTED, DATA_ONLY), item.reasons[0] != row))
    return RowStatus(status, best.why)
