"""Every fault's first pair, and every healthy program, through the real command.

`make test` runs a third of them, as CI can afford (the checks' own tests see small programs of every fault);
`make test-all` runs all of these, and `make bench-accuracy` all variants too. What is known to go wrong stands in
known_misses.json with what happens instead; a program leaves that list when it is put right.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy import score
from benchmarks.programs import ROOT, Program, diagnose, programs

BUDGET = 20.0  # seconds of experiments for each program
KNOWN_MISSES = json.loads((Path(__file__).parent / "known_misses.json").read_text(encoding="utf-8"))
EVERY = {item.name: item for item in programs()}
# Programs with several faults are for `python -m benchmarks.causes`: tests/experiments has smaller ones. The kinds of
# training loops and frameworks have a test of their own (test_kinds.py). Those of the list "fresh" of
# benchmarks/split.json are left out (programs(primary=True) has none): they are for measuring.
ELSEWHERE = ("double", "frameworks")
PRIMARY = [item for item in programs(primary=True) if item.row not in ELSEWHERE]
FAULTY = [item for item in PRIMARY if item.expected and item.name not in KNOWN_MISSES]
FIXED = [item for item in PRIMARY if not item.expected and item.row != "healthy"]
HEALTHY = [item for item in PRIMARY if item.row == "healthy"]


SHARE = 3  # one of so many programs runs in `make test`


def sampled(items: list[Program]) -> list[Any]:
    """All of them but the known misses; those that are too many for CI are marked slow."""
    return [
        pytest.param(item, id=item.name, marks=[pytest.mark.slow] if number % SHARE else [])
        for number, item in enumerate(items)
        if item.name not in KNOWN_MISSES
    ]


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tests run at once on two cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.mark.parametrize("program", sampled(FAULTY))
def test_faulty_program_is_diagnosed_first_and_in_the_right_place(program: Program) -> None:
    result = score(program, diagnose(program, BUDGET))
    assert result.first, f"wanted {program.expected}, got {result.alarms}"
    assert result.line, "the right row, but another place"


@pytest.mark.parametrize("program", sampled(FIXED))
def test_fixed_program_is_silent(program: Program) -> None:
    assert score(program, diagnose(program, BUDGET)).alarms == ()


@pytest.mark.parametrize("program", sampled(HEALTHY))
def test_healthy_program_is_silent_and_unharmed(program: Program, tmp_path: Path) -> None:
    """No alarm; and weights, gradients, modes, hooks, random states and output are those of the program alone."""
    weigh = [str(ROOT / "tests" / "weigh.py"), str(program.path.relative_to(ROOT))]
    alone = subprocess.run([sys.executable, *weigh], cwd=ROOT, capture_output=True, check=True)
    report = tmp_path / "report.json"
    options = ["--dir", str(tmp_path), "--budget", str(BUDGET), "--format", "json", "--output", str(report)]
    observed = subprocess.run(
        [sys.executable, "-m", "paramedic", "run", *options, *weigh],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    assert report.is_file(), observed.stderr.decode()[-2000:]
    result = score(program, json.loads(report.read_text(encoding="utf-8")))
    assert result.alarms == ()
    trained = alone.stdout.decode().splitlines()
    seen = observed.stdout.decode().splitlines()[: len(trained)]
    assert seen == trained


def test_known_misses_are_programs() -> None:
    assert set(KNOWN_MISSES) <= set(EVERY)
    assert all(isinstance(text, str) and text for text in KNOWN_MISSES.values())


def test_this_environment_can_find_paramedic() -> None:
    """The command under test is this checkout's."""
    import paramedic

    assert Path(paramedic.__file__).is_relative_to(ROOT) or os.environ.get("PYTHONPATH")
