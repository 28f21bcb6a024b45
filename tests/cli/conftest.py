"""The command in a process of its own, and stored runs made by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import paramedic
from paramedic.catalogue import ROWS
from paramedic.checks.finding import Finding
from paramedic.report.model import Report, RowStatus
from paramedic.trace.place import Place
from paramedic.trace.store import StepRow, TraceWriter

SOURCES = Path(paramedic.__file__).parent.parent
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """``command("run", "train.py")`` in an empty folder, without a terminal."""

    def run(*arguments: str, cwd: Path = tmp_path, env: dict[str, str] | None = None):
        return subprocess.run(
            [sys.executable, "-P", "-c", "from paramedic.cli.main import main; main()", *arguments],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1", **(env or {})},
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )

    return run


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """The only line on stderr of a user's error (exit code 2, nothing on stdout)."""
    assert result.returncode == 2, result
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("paramedic: "), lines
    return lines[0].removeprefix("paramedic: ")


@pytest.fixture
def stored(tmp_path: Path) -> Callable[..., Path]:
    """Makes a run folder: ``stored("20261123-120000-train-ab12", lr=0.1, level="fault")``."""

    def make(name: str, lr: float = 0.1, level: str | None = "fault", examined: bool = True) -> Path:
        folder = tmp_path / ".paramedic" / name
        writer = TraceWriter(folder / "trace.sqlite")
        for step in range(20):
            writer.step(StepRow(step, 0, 0.1 * step, 2.0 - lr * step, lr, 1.0, {}))
        writer.meta("program", {"argv": ["train.py"], "steps": 20 if examined else 0, "crashed": None})
        rows = {row.id: RowStatus("passed", "x") for row in ROWS}
        findings = ()
        if level is not None:
            findings = (Finding("R19", "softmax-before-cross-entropy", level, "a sum", Place("train.py", 1)),)  # type: ignore[arg-type]
            rows["R19"] = RowStatus("found", "a sum")
        if examined:
            writer.meta("ended", {"kind": "finished", "exit_code": 0})
            writer.meta("report", Report(findings, rows, {"argv": ["train.py"], "steps": 20}).to_json())
        writer.close()
        (folder / "run.json").write_text(json.dumps({"cwd": str(tmp_path)}))
        return folder

    return make
