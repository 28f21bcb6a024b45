"""``paramedic fix``: shows, verifies and writes patches of a stored run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from paramedic.catalogue import ROWS
from paramedic.checks.finding import Finding, Remedy
from paramedic.cli import folders
from paramedic.cli.fix import git_state
from paramedic.cli.verification import End, judge
from paramedic.measurements.printed import better, curves, direction, main_metric
from paramedic.remedies.source import unified
from paramedic.report.model import Report, RowStatus
from paramedic.trace.place import Place
from paramedic.trace.store import TraceWriter
from tests.cli.conftest import Command, one_line

TRAIN = """\
import sys
import torch

torch.manual_seed(0)
x = torch.randn(256, 4)
y = (x @ torch.tensor([1.0, -2.0, 0.5, 3.0])).unsqueeze(1)
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
for epoch in range(30):
    loss = ((model(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"epoch {epoch}: validation loss {loss.item():.4f}")
open("left_behind.txt", "w").write("x")
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Path]:
    """A stored run of train.py whose finding has a patch."""

    def make(before: str, after: str, check: str = "learning-rate-too-low") -> Path:
        (tmp_path / "train.py").write_text(TRAIN)
        folder = tmp_path / ".paramedic" / "20261123-120000-train-ab12"
        writer = TraceWriter(folder / "trace.sqlite")
        patch = unified(TRAIN, TRAIN.replace(before, after), "train.py")
        finding = Finding("R36", check, "fault", "too low", Place("train.py", 8), None, (), Remedy("raise it", patch))
        rows = {row.id: RowStatus("passed", "x") for row in ROWS}
        program = {"argv": ["train.py"], "steps": 30, "crashed": None}
        writer.meta("ended", {"kind": "finished", "exit_code": 0})
        writer.meta("program", program)
        writer.meta("report", Report((finding,), rows, program).to_json())
        writer.close()
        spec = {"script": "train.py", "module": None, "arguments": [], "steps": None, "cwd": str(tmp_path)}
        (folder / "run.json").write_text(json.dumps(spec))
        return folder

    return make


def remedy(folder: Path) -> Remedy:
    report = folders.open_run(folder).report
    assert report is not None and report.findings[0].remedy is not None
    return report.findings[0].remedy


def test_a_patch_that_helps_is_verified_on_copies_and_then_written(
    run: Callable[..., Path], command: Command, tmp_path: Path
) -> None:
    folder = run("lr=1e-6", "lr=0.1")
    shown = command("fix")
    assert shown.returncode == 0 and "+optimizer = torch.optim.SGD(model.parameters(), lr=0.1)" in shown.stdout
    verified = command("fix", "--verify", "--budget", "0")
    assert verified.returncode == 0 and "The patch helps: validation loss is better" in verified.stdout, verified
    assert (tmp_path / "train.py").read_text() == TRAIN and not (tmp_path / "left_behind.txt").exists()
    result = remedy(folder).verified
    assert result is not None and result["helped"] and result["after"] < 0.1 * result["before"]
    written = command("fix", "--apply")
    assert written.returncode == 0 and "lr=0.1" in (tmp_path / "train.py").read_text()
    assert (folder / "before-fix" / "train.py").read_text() == TRAIN
    assert "does not apply" in one_line(command("fix", "--apply"))


def test_a_patch_that_does_not_help_is_withdrawn(run: Callable[..., Path], command: Command) -> None:
    folder = run("lr=1e-6", "lr=1e-6, momentum=1e-3")
    result = command("fix", "--verify", "--budget", "0", "--apply", "--format", "json")
    (patch,) = json.loads(result.stdout)["patches"]
    assert result.returncode == 1 and patch["verified"]["helped"] is False and patch["written"] is None
    assert remedy(folder).patch is None and remedy(folder).summary == "raise it"
    after = command("fix")
    assert after.returncode == 1 and "did not help, and is withdrawn" in after.stdout


def test_a_file_with_uncommitted_changes_is_not_written(
    run: Callable[..., Path], command: Command, tmp_path: Path
) -> None:
    run("lr=1e-6", "lr=0.1")
    assert git_state(tmp_path / "train.py") == "none"
    subprocess.run(["git", "init", "-q", "."], cwd=tmp_path, check=True)
    assert git_state(tmp_path / "train.py") == "changed"  # not tracked: nobody has another copy
    assert "uncommitted changes" in one_line(command("fix", "--apply"))
    assert (tmp_path / "train.py").read_text() == TRAIN
    assert command("fix", "--apply", "--force").returncode == 0
    assert (tmp_path / "train.py").read_text() != TRAIN


def test_printed_curves() -> None:
    text = (
        "Epoch 1: loss=0.5, val accuracy 0.61\n"
        "Epoch 2: loss=nan, val accuracy 0.72\n"
        "step 30 | train loss 1.5e-3 | val_acc: 93.1%\n"
        "took 3 s\n"
    )
    found = curves(text)
    assert found["val accuracy"] == [0.61, 0.72] and found["loss"][0] == 0.5 and found["loss"][1] != found["loss"][1]
    assert found["train loss"] == [0.0015] and found["val_acc"] == [93.1]
    assert "epoch" not in found and "step" not in found
    assert main_metric([found, found]) == "val_acc"
    assert direction("val loss") == -1 and direction("test accuracy") == 1 and direction("width") == 0
    assert better("val loss", 1.0, 0.5) == 1 and better("val accuracy", 0.90, 0.91) == 0
    assert better("val accuracy", 0.9, 0.5) == -1 and better("val loss", float("nan"), 3.0) == 1


@pytest.mark.parametrize(
    ("row", "before", "after", "code", "found", "helped"),
    [
        ("R36", 0.3, 0.9, 0, True, True),  # better
        ("R36", 0.9, 0.3, 0, False, False),  # worse
        ("R21", 0.9, 0.3, 0, False, True),  # the figure is honest now
        ("R36", 0.9, 0.9, 0, True, False),  # nothing has changed
        ("R36", 0.9, 0.9, 0, False, True),
        ("R36", 0.3, 0.9, 1, False, False),  # it crashes
    ],
)
def test_judgement(row: str, before: float, after: float, code: int, found: bool, helped: bool) -> None:
    finding = Finding(row, "some-check", "fault", "", None, None, (), Remedy("x", "y"))
    ends = [End(0, 1.0, [], {"val accuracy": [before]}, None), End(code, 1.0, [], {"val accuracy": [after]}, found)]
    assert judge(finding, *ends).helped is helped
