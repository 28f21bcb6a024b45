"""The benchmark of the kinds of programs: what is known is not measured again, and a failure is a row too."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import kinds
from benchmarks.programs import Program, programs


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the programs that were measured, in order; nothing is run."""
    names: list[str] = []

    def examined(program: Program, budget: float) -> dict[str, Any]:
        names.append(program.name)
        if program.name.endswith("ema/faulty"):
            raise subprocess.TimeoutExpired("paramedic", 900.0)
        return {"equal": True, "steps": 10, "not_observed": [], "alarms": [], "right": True}

    monkeypatch.setattr(kinds, "examined", examined)
    monkeypatch.setattr(kinds, "RESULTS", tmp_path / "results.json")
    return names


def _run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    output = tmp_path / "kinds.md"
    monkeypatch.setattr(sys, "argv", ["kinds", "--only", "ema", "lbfgs", "--output", str(output), *arguments])
    kinds.main()
    return output.read_text(encoding="utf-8")


def test_an_interrupted_benchmark_goes_on(
    tmp_path: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = _run(tmp_path, monkeypatch)
    assert len(measured) == 4 and "| lbfgs | 10 | - | 2 of 2 | 1 of 1 | 1 of 1 |" in page
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["frameworks/ema/faulty"]["failed"] == "took more than 900 s"
    measured.clear()
    _run(tmp_path, monkeypatch)
    assert measured == ["frameworks/ema/faulty"]  # what did not come to an end is tried again
    measured.clear()
    _run(tmp_path, monkeypatch, "--again")
    assert len(measured) == 4


def test_the_limit_is_longer_on_a_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(kinds.os, "getloadavg", lambda: (0.5, 0, 0))
    assert kinds.limit() == kinds.TIMEOUT
    monkeypatch.setattr(kinds.os, "getloadavg", lambda: (8.0, 0, 0))
    assert kinds.limit() == 4 * kinds.TIMEOUT


def test_every_kind_has_a_faulty_and_a_healthy_program() -> None:
    own = [item for item in programs() if item.row == "frameworks"]
    for kind in {item.fault for item in own}:
        assert {bool(item.expected) for item in own if item.fault == kind} == {True, False}
