"""How a report compares with what is expected of a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.programs import Program


@dataclass(frozen=True)
class Score:
    """How a report compares with what is expected."""

    program: Program
    detected: bool
    first: bool
    first_three: bool
    check: bool
    line: bool
    alarms: tuple[str, ...]
    seconds: float
    failed: str | None = None


def rows_of(program: Program) -> set[str]:
    """The rows that are right for a program; none for a sound one."""
    expected = program.expected or {}
    return {expected["reason"], *expected.get("also", ())} if expected else set()


def score(program: Program, report: dict[str, Any]) -> Score:
    """Rank, check and place; for healthy programs the alarms (faults and suspects).

    Where a note is expected ("level" in expect.json), it is what counts, and any alarm beside it is wrong.
    """
    alarms = [finding for finding in report["findings"] if finding["level"] != "note"]
    if program.expected and program.expected.get("level") == "note" and not alarms:
        alarms = [item for item in report["findings"] if item["check"] == program.expected["check"]]
    names = tuple(f"{item['level']} {item['reason']} {item['check']}" for item in alarms)
    expected = program.expected or {}
    rows = rows_of(program)
    lines = set(expected.get("lines", ()))
    first = bool(alarms) and alarms[0]["reason"] in rows
    where = (alarms[0]["where"] or {}) if alarms else {}
    here = where.get("file") is not None and str(where["file"]).endswith(program.path.name)
    return Score(
        program,
        detected=bool(alarms),
        first=first,
        first_three=any(item["reason"] in rows for item in alarms[:3]),
        check=bool(alarms) and alarms[0]["check"] == expected.get("check"),
        line=first and here and where.get("line") in lines,
        alarms=names,
        seconds=float(report["cost"].get("experiments_s", 0.0)),
        failed=report.get("failed"),
    )
