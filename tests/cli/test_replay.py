"""`paramedic replay`: an experiment repeated by name gives what it gave; every mistake is one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from paramedic.checks.finding import percent_learned
from paramedic.trace.store import Trace

PROGRAM = """
import torch
from torch import nn

torch.manual_seed(0)
y = torch.arange(240) % 3
x = torch.randn(3, 6)[y] + 0.5 * torch.randn(240, 6)
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3), nn.Softmax(dim=1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
for epoch in range(4):
    for rows in torch.randperm(240).split(24):
        loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""


def paramedic(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "paramedic", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an observed program."""
    place = tmp_path_factory.mktemp("replay")
    (place / "train.py").write_text(PROGRAM)
    done = paramedic(place, "run", "--budget", "20", "--select", "R19", "train.py")
    assert done.returncode == 1, done.stderr
    return place


def run_of(folder: Path) -> Path:
    return next((folder / ".paramedic").glob("*-train-*"))


def test_an_experiment_is_listed_and_repeated_with_the_same_result(folder: Path) -> None:
    known = Trace(run_of(folder) / "trace.sqlite").meta("experiments")
    assert [item["name"] for item in known] == ["softmax-before-cross-entropy"]
    listed = paramedic(folder, "replay", run_of(folder).name)
    assert listed.returncode == 0 and "softmax-before-cross-entropy\n" in listed.stdout
    repeated = paramedic(folder, "replay", run_of(folder).name, "softmax-before-cross-entropy")
    assert repeated.returncode == 0, repeated.stderr
    now, then = (line.split(maxsplit=1) for line in repeated.stdout.splitlines() if line.startswith(("now", "then")))
    assert now[1] == then[1]
    before, after = (percent_learned(known[0][key]) for key in ("before", "after"))
    assert f"learned {before} -> {after} of the way" in now[1] and before != after


def test_an_unknown_experiment_is_one_line(folder: Path) -> None:
    done = paramedic(folder, "replay", run_of(folder).name, "softmax-before-cross-entrop")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert 'did you mean "softmax-before-cross-entropy"' in done.stderr


def test_a_changed_or_missing_script_is_one_line(folder: Path) -> None:
    script = folder / "train.py"
    name = run_of(folder).name
    try:
        script.write_text(PROGRAM + "\n# another one\n")
        changed = paramedic(folder, "replay", name, "softmax-before-cross-entropy")
        script.unlink()
        gone = paramedic(folder, "replay", name, "softmax-before-cross-entropy")
    finally:
        script.write_text(PROGRAM)
    for done, text in ((changed, "has changed since that run"), (gone, "no such file")):
        assert done.returncode == 2 and text in done.stderr and done.stderr.count("\n") == 1


def test_a_report_says_how_to_repeat_a_proof(folder: Path) -> None:
    done = paramedic(folder, "report", run_of(folder).name, "--format", "json")
    proof = json.loads(done.stdout)["findings"][0]["proof"]
    assert proof["experiment"] == "softmax-before-cross-entropy"
    text = " ".join(paramedic(folder, "report", run_of(folder).name).stdout.split())
    assert "paramedic replay RUN softmax-before-cross-entropy" in text


DECAYED = """
import torch
from torch import nn

torch.manual_seed(0)
y = torch.arange(240) % 3
x = torch.randn(3, 6)[y] + 0.5 * torch.randn(240, 6)
model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
scheduler = {scheduler}
for epoch in range(24):
    right = 0
    for rows in torch.randperm(240).split(24):
        logits = model(x[rows])
        loss = nn.functional.cross_entropy(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        right += int((logits.argmax(1) == y[rows]).sum())
    scheduler.step({value})
"""
ON = {
    "scheduler-drives-rate-to-zero": ("torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.2)", "", "loss-on-at-rate-0.015"),
    "scheduler-watches-wrong-direction": (
        'torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", patience=0, factor=0.7)', "right / 240",
        "train-on-at-rate-0.05",
    ),
}  # fmt: skip


@pytest.mark.parametrize("check", list(ON))
def test_training_on_at_another_rate_is_repeated_with_the_same_result(check: str, tmp_path: Path) -> None:
    scheduler, value, experiment = ON[check]
    (tmp_path / "train.py").write_text(DECAYED.format(scheduler=scheduler, value=value))
    done = paramedic(tmp_path, "run", "--budget", "20", "--select", check, "train.py")
    assert done.returncode == 1, done.stdout + done.stderr
    run = run_of(tmp_path).name
    assert experiment in [item["name"] for item in Trace(run_of(tmp_path) / "trace.sqlite").meta("experiments")]
    repeated = paramedic(tmp_path, "replay", run, experiment)
    assert repeated.returncode == 0, repeated.stderr
    now, then = (line.split(maxsplit=1) for line in repeated.stdout.splitlines() if line.startswith(("now", "then")))
    assert now[1] == then[1]
