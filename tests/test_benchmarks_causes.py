"""The score of several causes: recall, precision, order."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.causes import expected_causes, score_causes, table
from benchmarks.programs import programs

DOUBLE = {item.fault: item for item in programs() if item.row == "double" and item.expected}
PROGRAM = DOUBLE["three_faults"]


def report(*causes: tuple[str, int], level: str = "fault") -> dict[str, Any]:
    findings = [
        {"reason": row, "level": level, "where": {"file": "programs/double/three_faults/faulty.py", "line": line}}
        for row, line in causes
    ]
    return {"findings": findings}


RIGHT = tuple((cause["reason"], cause["lines"][0]) for cause in expected_causes(PROGRAM))


@pytest.mark.parametrize(
    ("given", "named", "placed", "false", "in_order"),
    [
        (report(*RIGHT), 3, 3, 0, True),
        (report(*RIGHT[::-1]), 3, 3, 0, False),
        (report(*RIGHT[:2]), 2, 2, 0, False),
        (report(*RIGHT, ("R12", 1)), 3, 3, 1, False),
        (report((RIGHT[0][0], 1), *RIGHT[1:]), 3, 2, 0, True),
        (report(*RIGHT, level="note"), 0, 0, 0, False),
    ],
)
def test_score(given: dict[str, Any], named: int, placed: int, false: int, in_order: bool) -> None:
    score = score_causes(PROGRAM, given)
    assert (score.named, score.placed, score.false_alarms, score.in_order) == (named, placed, false, in_order)


def test_table_counts_over_all_programs() -> None:
    text = table([score_causes(PROGRAM, report(*RIGHT)), score_causes(PROGRAM, report(("R12", 1)))])
    assert "| causes named (recall) | 3/6 |" in text
    assert "| alarms that are causes (precision) | 3/4 |" in text
