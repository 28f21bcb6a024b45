"""``paramedic fix``: shows, verifies and writes patches of a stored run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
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
from paramedic.trace.store import TraceWriter, replace_meta
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
    assert verified.returncode == 0 and "The patch helps: training R2 is better" in verified.stdout, verified
    assert (tmp_path / "train.py").read_text() == TRAIN and not (tmp_path / "left_behind.txt").exists()
    result = remedy(folder).verified
    assert result is not None and result["helped"] and result["before"] < 0.5 < 0.9 < result["after"] and result["observed"]
    assert "training progress (measured)" in verified.stdout and "loss, patched: " in verified.stdout
    written = command("fix", "--apply")
    assert written.returncode == 0 and "lr=0.1" in (tmp_path / "train.py").read_text()
    assert (folder / "before-fix" / "train.py").read_text() == TRAIN
    assert "does not apply: the file has the change at line" in one_line(command("fix", "--apply"))


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


def test_a_read_only_file_and_one_outside_are_not_written(run: Callable[..., Path], command: Command, tmp_path: Path) -> None:
    folder = run("lr=1e-6", "lr=0.1")
    (tmp_path / "train.py").chmod(0o444)
    assert one_line(command("fix", "--apply")) == "train.py is read-only"
    assert (tmp_path / "train.py").read_text() == TRAIN and not (folder / "before-fix").exists()
    (tmp_path / "train.py").chmod(0o644)
    stored = folders.open_run(folder)
    assert stored.report is not None
    (finding,) = stored.report.findings
    assert finding.remedy is not None and finding.remedy.patch is not None
    outside = finding.remedy.patch.replace("/train.py", "/../train.py")
    moved = replace(finding, remedy=replace(finding.remedy, patch=outside))
    stored.trace.close()
    replace_meta(folder / "trace.sqlite", "report", replace(stored.report, findings=(moved,)).to_json())
    assert "lies outside of" in one_line(command("fix", "--apply"))


def test_patches_of_the_same_lines_are_named(run: Callable[..., Path], command: Command, tmp_path: Path) -> None:
    folder = run("lr=1e-6", "lr=0.1")
    stored = folders.open_run(folder)
    assert stored.report is not None
    (finding,) = stored.report.findings
    patch = unified(TRAIN, TRAIN.replace("SGD", "Adam"), "train.py")
    other = replace(finding, check="wrong-optimizer", remedy=Remedy("Adam", patch))
    stored.trace.close()
    replace_meta(folder / "trace.sqlite", "report", replace(stored.report, findings=(finding, other)).to_json())
    assert "The patches of learning-rate-too-low and wrong-optimizer change the same lines" in command("fix").stdout
    assert command("fix", "--apply").returncode == 0
    assert "is not as it was" in one_line(command("fix", "--apply", "--check", "wrong-optimizer"))
    assert "lr=0.1" in (tmp_path / "train.py").read_text() and "Adam" not in (tmp_path / "train.py").read_text()


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


def ends(before: dict[str, float], after: dict[str, float], found: bool | None = False, **printed: float) -> list[End]:
    losses = printed.pop("first", 1.0)
    measured = [{name: {"value": value, "rows": 1000} for name, value in end.items()} for end in (before, after)]
    said = {name.replace("_", " "): value for name, value in printed.items()}
    return [
        End(0, 1.0, [1.0], {name: [1.0] for name in said}, None, measured[0]),
        End(0, 1.0, [losses], {name: [value] for name, value in said.items()}, found, measured[1]),
    ]


def test_what_is_measured_counts_before_what_is_printed() -> None:
    rate = Finding("R36", "some-check", "fault", "", None, None, (), Remedy("x", "y"))
    loss = replace(rate, reason="R19")
    better_u = judge(rate, *ends({"training u": 0.9}, {"training u": 0.1}, val_accuracy=0.2))
    assert better_u.helped and better_u.observed and better_u.metric == "training u" and better_u.printed == "val accuracy"
    # accuracy says more than u; u by another loss that is higher says nothing
    ended = {"validation accuracy": 0.9, "validation u": 0.3}
    both = judge(loss, *ends({"validation accuracy": 0.3, "validation u": 0.1}, ended))
    assert both.helped and both.metric == "validation accuracy" and not both.same_loss
    other = judge(loss, *ends({"validation u": 0.1}, {"validation u": 0.3}, val_loss=5.0))
    assert other.helped and other.metric is None  # the finding is gone, and there is nothing to compare
    assert not judge(rate, *ends({"validation u": 0.1}, {"validation u": 0.3})).helped
    # a run that diverged has no finite figure; the trace keeps it as text
    assert judge(rate, *ends({"training R2": "nan"}, {"training R2": 0.4}, found=True)).helped  # type: ignore[dict-item]
    assert not judge(rate, *ends({"training R2": 0.4}, {"training R2": "nan"})).helped  # type: ignore[dict-item]
    # weights of classes: every class counts alike
    rare = replace(rate, reason="R08")
    before = {"training accuracy": 0.95, "training balanced accuracy": 0.5}
    assert judge(rare, *ends(before, {"training accuracy": 0.88, "training balanced accuracy": 0.86})).helped
    assert not judge(rare, *ends(before, {"training accuracy": 0.96, "training balanced accuracy": 0.4})).helped
    # to repeat the input is another task than to guess what comes next: only what the programs print is compared
    task = replace(rate, check="target-not-shifted")
    assert judge(task, *ends({"training accuracy": 1.0}, {"training accuracy": 0.5})).helped
    assert not judge(task, *ends({}, {}, found=True, val_accuracy=0.2)).helped
    # a printed loss counts only if the two runs start with much the same one
    assert not judge(rate, *ends({}, {}, val_loss=5.0)).helped
    assert judge(rate, *ends({}, {}, val_loss=5.0, first=3.0)).helped
    assert not judge(rate, *ends({}, {}, found=True, val_loss=0.1, first=3.0)).helped
    # a generator's samples are compared with the real ones, whatever its loss was
    samples = judge(loss, *ends({"generated u": 0.6}, {"generated u": 0.1}))
    assert samples.helped and samples.metric == "generated u" and "likeness of samples" in samples.why
    assert not judge(loss, *ends({"generated u": 0.1}, {"generated u": 0.6})).helped
    # an accuracy over few rows is not told apart
    few = ends({"validation accuracy": 0.5}, {"validation accuracy": 0.45}, found=True)
    few[0].reached["validation accuracy"]["rows"] = 40
    assert judge(rate, *few).why == "no figure is better, and the finding is still there"
