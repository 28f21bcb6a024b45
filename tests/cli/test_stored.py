"""The verbs that read: report, runs, compare, checks, explain."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from paramedic.cli.compare import _one_name
from paramedic.trace.store import TraceWriter
from tests.cli.conftest import SOURCES, Command

NAMES = ("20261123-120000-train-ab12", "20261123-130000-train-cd34")


def test_report_of_the_latest_or_a_named_run(command: Command, stored: Callable[..., Path]) -> None:
    stored(NAMES[0], level=None)
    folder = stored(NAMES[1])
    latest = command("report")
    assert latest.returncode == 1 and latest.stdout.startswith("Wrong      Cross-entropy receives probabilities")
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    for name in (NAMES[0], "ab12", f".paramedic/{NAMES[0]}", f".paramedic/{NAMES[0]}/trace.sqlite"):
        result = command("report", name)
        assert result.returncode == 0 and result.stdout.startswith("Nothing found")
    assert command("report", "20261123").returncode == 2
    assert json.loads(command("report", "--format", "json").stdout)["schema"] == "paramedic/1"
    assert command("report", "--fail-on", "never").returncode == 0


def test_report_of_a_run_that_was_never_examined(command: Command, stored: Callable[..., Path]) -> None:
    stored(NAMES[0], examined=False)
    result = command("report")
    assert result.returncode == 1
    assert result.stdout.startswith(
        "The program is still running, or was killed: the last recorded step is 20"
    )
    assert "44 not checked" in result.stdout


def test_report_into_a_file(command: Command, stored: Callable[..., Path], tmp_path: Path) -> None:
    stored(NAMES[0])
    result = command("report", "--format", "sarif", "--output", "out/report.sarif")
    assert (
        result.stdout == "" and json.loads((tmp_path / "out/report.sarif").read_text())["version"] == "2.1.0"
    )


def test_runs(command: Command, stored: Callable[..., Path]) -> None:
    assert command("runs").stdout.startswith("No runs in .paramedic")
    stored(NAMES[0])
    stored(NAMES[1], examined=False)
    lines = command("runs").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(NAMES)
    assert "fault: R19 softmax-before-cross-entropy" in lines[0] and "not examined" in lines[1]
    assert json.loads(command("runs", "--format", "json").stdout)[0]["ended"] == "finished"


def test_compare(command: Command, stored: Callable[..., Path], tmp_path: Path) -> None:
    folders = stored(NAMES[0]), stored(NAMES[1], lr=0.05, level=None)
    for folder, lr, digest, code in zip(folders, (0.1, 0.05), ("aa", "bb"), ("softmax(x)", "x"), strict=True):
        writer = TraceWriter(folder / "trace.sqlite")
        writer.meta(
            "exhibits",
            {
                "settings": {"optimizer: lr": lr, "optimizer: class": "SGD"},
                "environment": {"python": "3.11"},
                "fingerprints": {"train inputs": digest},
                "sources": {"train.py": f"import torch\nloss = f({code})\n"},
            },
        )
        writer.close()
    result = command("compare", "ab12", "cd34")
    assert "R19: found -> passed" in result.stdout
    assert result.stdout.splitlines()[3:7] == [
        "The loss of B ends higher: 1.07, A's 0.15.",
        "The losses differ from step 1 on, and are the same before it.",
        "Not the same: code (train.py:2); settings (optimizer: lr); data (train inputs).",
        "The same: environment.",
    ]
    assert "Found in A only\n  R19 softmax-before-cross-entropy" in result.stdout
    assert "  optimizer: lr: 0.1 -> 0.05" in result.stdout
    assert "  train inputs: aa -> bb" in result.stdout
    assert "  -loss = f(softmax(x))\n  +loss = f(x)\n" in result.stdout and "python" not in result.stdout
    page = command("compare", "ab12", "cd34", "--format", "html").stdout.strip()
    assert page.endswith(f"{NAMES[1]}/comparison.html") and (tmp_path / page).read_text().startswith("<!doctype html>")
    same = json.loads(command("compare", "ab12", "ab12", "--format", "json").stdout)
    assert not any(same[key] for key in ("gone", "new", "settings", "fingerprints", "environment", "code"))
    assert same["losses_differ_from_step"] is None and same["rows"] == {}


def test_a_file_with_another_name_is_compared_line_by_line() -> None:
    text = "import torch\n" + "".join(f"step({at})\n" for at in range(9))
    common = {"data.py": "x = 1\n"}
    before, after = _one_name({"faulty.py": text, **common}, {"fixed.py": text.replace("step(4)", "step(5)"), **common})
    assert list(before) == list(after) == ["fixed.py", "data.py"] and before["fixed.py"] == text
    for other in ({"fixed.py": "y = 2\n"}, {"fixed.py": text, "more.py": text}):
        assert _one_name({"faulty.py": text}, other) == ({"faulty.py": text}, other)


@pytest.mark.parametrize(
    "verb", [["checks"], ["explain", "R19"], ["explain", "a1"], ["runs"], ["--help"], ["run", "-h"]]
)
def test_no_torch_is_imported(verb: list[str], tmp_path: Path) -> None:
    program = (
        "import sys\nfrom paramedic.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "finally:\n    assert not {'torch', 'numpy', 'sklearn'} & set(sys.modules), 'heavy import'\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, *verb],
        cwd=tmp_path,
        env={"PYTHONPATH": str(SOURCES)},
        capture_output=True,
    )
    assert result.returncode == 0 and result.stdout and not result.stderr, result


def test_checks_and_explain_name_every_row(command: Command) -> None:
    from paramedic.catalogue import ROWS
    from paramedic.checks.registry import descriptions

    text = command("checks").stdout
    assert all(item.name in text for item in descriptions())
    assert {row.id for row in ROWS} >= {line.split()[0] for line in text.splitlines()[1:]}
    assert json.loads(command("explain", "19", "--format", "json").stdout)["row"]["id"] == "R19"
    assert command("explain", "s5").stdout.startswith("S5: overfit 2 to 20 samples (first response)")


def test_version_and_module(command: Command, tmp_path: Path) -> None:
    assert command("--version").stdout.startswith("paramedic ")
    result = subprocess.run(
        [sys.executable, "-m", "paramedic", "--version"],
        env={"PYTHONPATH": str(SOURCES)},
        capture_output=True,
    )
    assert result.stdout.startswith(b"paramedic ")
