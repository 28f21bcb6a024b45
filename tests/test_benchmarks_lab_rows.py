"""The table of the lab's rows: the same pairs every time, of different kinds, and what their reports are said to say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy import lab_rows
from benchmarks.accuracy.lab_rows import LAB, SEVERITIES, kind, pairs, selected, to_run, verdict
from benchmarks.programs import Program, programs
from paramedic.catalogue import ROW_BY_ID

EVERY = list(programs())


def program(name: str, reason: str | None = "R11") -> Program:
    expected = {"reason": reason, "severity": "mild", "faulty_result": 0.5, "fixed_result": 0.9} if reason else None
    return Program(Path(f"{name}.py"), "R11", "too_few_updates", expected)


def test_rows_exist_and_each_severity_is_looked_for() -> None:
    assert set(LAB) <= set(ROW_BY_ID)
    assert set(pairs(EVERY)) == {(row, severity) for row in LAB for severity in SEVERITIES}


def test_a_pair_of_another_kind_comes_second_whatever_the_order() -> None:
    names = [program(name) for name in ("a", "b", "c", "d")]
    kinds = {"a": "one", "b": "one", "c": "one", "d": "other"}
    for given in (names, names[::-1]):
        taken = selected(given, lambda item: kinds[item.path.stem])
        assert len(taken) == 2 and {kinds[item.path.stem] for item in taken} == {"one", "other"}
        assert [item.path.stem for item in taken] == [item.path.stem for item in selected(names, lambda i: kinds[i.path.stem])]


def test_what_is_stopped_has_something_of_every_row() -> None:
    every = pairs(EVERY)
    first = to_run({place: selected(mine, lambda item: item.name) for place, mine in every.items()})
    rows = [item.expected["reason"] for item in first if item.expected]
    there = [row for row in LAB if any(every[row, severity] for severity in SEVERITIES)]
    assert set(rows[: 3 * len(there)]) == set(there)
    assert len({item.name for item in first}) == len(first)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("model = nn.LSTM(3, 4)\nloss = nn.MSELoss()", "recurrent, numbers"),
        ("net = nn.Conv2d(1, 2, 3)\nF.cross_entropy(a, b)", "convolutional, classes"),
        ("nn.TransformerEncoderLayer(8, 2)\ncross_entropy(a, b)", "transformer, classes"),
        ("nn.Linear(1, 2)\n(a - b).square().mean()", "perceptron, another loss"),
    ],
)
def test_kinds(source: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "faulty.py"
    path.write_text(source, encoding="utf-8")
    assert kind(Program(path, "R11", "x", None)) == expected


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (None, "not run"),
        ({"failed": "no report"}, "no report"),
        (
            {"first": True, "first_three": True, "alarms": ["fault R11 x"], "reasons": {"R11": "found"}},
            "right first (row: found)",
        ),
        (
            {"first": True, "first_three": True, "alarms": ["fault R31 x"], "reasons": {"R11": "passed"}},
            "right first, as R31 (row: passed)",
        ),
        (
            {"first": False, "first_three": False, "alarms": [], "reasons": {"R11": "not-applicable"}},
            "missed: nothing said (row: not applicable)",
        ),
    ],
)
def test_verdict_of_a_faulty_program(result: dict[str, Any] | None, said: str) -> None:
    assert verdict(program("a"), result) == said


def test_verdict_of_a_fixed_program() -> None:
    fixed = program("fixed", None)
    assert verdict(fixed, {"alarms": []}) == "silent"
    assert verdict(fixed, {"alarms": ["suspect R06 noisy-labels"]}) == "alarm: suspect R06 noisy-labels"


def test_the_last_result_of_a_program_counts(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"program": "a", "alarms": []}\n{"program": "a", "alarms": ["x"]}\n', encoding="utf-8")
    assert lab_rows.stored(path) == {"a": {"program": "a", "alarms": ["x"]}}
