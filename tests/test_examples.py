"""The examples work: a package with a check of its own, and the commands of the workflow file."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import paramedic

ROOT = Path(__file__).resolve().parent.parent
SOURCES = Path(paramedic.__file__).parent.parent
PLUGIN = ROOT / "examples" / "plugin"
TRAIN = """\
import torch
from torch import nn

torch.manual_seed(0)
x = torch.randn(256, 8)
y = (x[:, 0] + x[:, 1] > 0).long()
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
for step in range(150):
    rows = torch.randint(256, (32,))
    loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(f"accuracy {(model(x).argmax(1) == y).float().mean():.3f}")
"""
TIED = (PLUGIN / "faulty.py").read_text()


def command(*arguments: str, cwd: Path, path: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-c", "from paramedic.cli.main import main; main()", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": f"{SOURCES}{os.pathsep}{path}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_a_check_of_a_plugin_is_made_like_our_own(tmp_path: Path) -> None:
    """Installed by hand: what pip writes for the example package is its metadata and its entry points."""
    site = tmp_path / "site"
    info = site / "paramedic_example-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paramedic-example\nVersion: 0.1.0\n")
    project = (PLUGIN / "pyproject.toml").read_text()
    (entry,) = re.findall(r'^unscaled-tied-embedding = "(.+)"$', project, re.MULTILINE)
    (info / "entry_points.txt").write_text(
        f"[paramedic.checks]\nunscaled-tied-embedding = {entry}\nbroken-check = no_such_module:Broken\n"
        "[paramedic.integrations]\nbroken = no_such_module:f\n"
    )
    path = f"{site}{os.pathsep}{PLUGIN / 'src'}"
    (tmp_path / "train.py").write_text(TIED)
    options = ["--select", "unscaled-tied-embedding", "--format", "json"]
    done = command("run", *options, "train.py", cwd=tmp_path, path=path)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert [item["check"] for item in report["findings"]] == ["unscaled-tied-embedding"]
    assert any("integration broken" in text for text in report["not_observed"])
    assert "no_such_module" in report["errors"]["broken-check"]
    shown = command("report", "--fail-on", "never", cwd=tmp_path, path=path).stdout
    assert "An embedding shared with the output layer begins" in shown  # the headline is the page's first line
    table = command("checks", cwd=tmp_path, path=path)
    assert "unscaled-tied-embedding" in table.stdout and "broken-check cannot be imported" in table.stderr
    broken = command("explain", "broken-check", cwd=tmp_path, path=path)
    assert broken.returncode == 2 and "Traceback" not in broken.stderr
    page = command("explain", "unscaled-tied-embedding", cwd=tmp_path, path=path)
    assert "sqrt(width)" in page.stdout
    (tmp_path / "train.py").write_text((PLUGIN / "fixed.py").read_text())
    assert command("run", *options, "train.py", cwd=tmp_path, path=path).returncode == 0
    assert command("run", *options, "train.py", cwd=tmp_path).returncode == 2  # without the package nobody knows it


@pytest.mark.parametrize(("faulty", "code"), [(True, 1), (False, 0)])
def test_workflow_fails_on_a_faulty_program_and_passes_on_the_fixed_one(
    faulty: bool, code: int, tmp_path: Path
) -> None:
    text = TRAIN.replace("    optimizer.zero_grad()\n", "") if faulty else TRAIN
    (tmp_path / "train.py").write_text(text)
    workflow = (ROOT / "examples" / "ci" / "train-check.yml").read_text()
    check, annotate, summary = re.findall(r"^ +run: paramedic (.+)$", workflow, re.MULTILINE)
    done = command(*shlex.split(check), cwd=tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    results = json.loads((tmp_path / "paramedic.sarif").read_text())["runs"][0]["results"]
    assert any(item["ruleId"] == "missing-zero-grad" for item in results) is faulty
    shown = command(*shlex.split(annotate), cwd=tmp_path)
    assert shown.returncode == 0 and shown.stdout.startswith("::error file=train.py" if faulty else "::notice")
    page = command(*shlex.split(summary.partition(" >> ")[0]), cwd=tmp_path)
    assert page.returncode == 0 and page.stdout
