"""A trace of schema version 1, stored in the repository, stays readable: never write this file anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from paramedic.trace.store import SCHEMA_VERSION, Trace
from tests.cli.conftest import Command

STORED = Path(__file__).parents[1] / "traces" / "20261125-173345-train-a53a"


def test_a_trace_of_version_1_is_read_reported_compared_and_fixed(command: Command, tmp_path: Path) -> None:
    run = tmp_path / ".paramedic" / STORED.name
    shutil.copytree(STORED, run)
    trace = Trace(run / "trace.sqlite")
    assert trace.meta("schema") == 1 <= SCHEMA_VERSION
    steps = trace.steps()
    assert len(steps) == 40 and steps[0].lr == 0.2 and steps[0].loss > 0.5
    assert {event.kind for event in trace.events()} and trace.layers()
    trace.close()
    report = json.loads(command("report", "--format", "json", "--fail-on", "never").stdout)
    assert report["findings"][0]["check"] == "missing-zero-grad" and report["program"]["steps"] == 40
    assert "+    optimizer.zero_grad()" in command("fix").stdout
    compared = command("compare", STORED.name, STORED.name, "--format", "json")
    assert json.loads(compared.stdout)["losses_differ_from_step"] is None
    assert "R34 missing-zero-grad" in command("runs").stdout
