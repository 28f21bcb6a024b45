"""The programs of ``programs/``: what is expected of them, and whether they still fail and learn as recorded.

    python -m benchmarks.programs [--only R19 healthy] [--jobs 2]

runs every pair alone and compares the last number that each program prints with the recorded figures.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from paramedic.trace.store import Trace

ROOT = Path(__file__).resolve().parent.parent
SPLIT = json.loads((ROOT / "benchmarks" / "split.json").read_text(encoding="utf-8"))
REPORT = frozenset(SPLIT["report"])
FRESH_SETS = ("fresh", "fresh2", "fresh3", "fresh4", "fresh5", "fresh6", "fresh7", "fresh8")
FRESH = {name: half for half in FRESH_SETS for name in SPLIT[half]}
TIMEOUT = 900.0
TOLERANCE = 0.02  # other processors round differently


@dataclass(frozen=True)
class Program:
    """One training program. ``expected`` is None for healthy and fixed programs.

    expected: reason, check, lines (accepted places), also (other accepted rows), severity.
    ranks: the number of processes that torchrun starts; 1: a plain program.
    """

    path: Path
    row: str
    fault: str
    expected: dict[str, Any] | None
    ranks: int = 1

    def command(self, cwd: Path = ROOT) -> list[str]:
        """What stands after ``python`` or ``paramedic run`` in a folder."""
        script = str(self.path.relative_to(cwd))
        if self.ranks == 1:
            return [script]
        return ["-m", "torch.distributed.run", "--nproc-per-node", str(self.ranks), script]

    @property
    def missing(self) -> str | None:
        """A package that it imports and that is not installed here."""
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
        names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
        return next((name for name in names if importlib.util.find_spec(name.partition(".")[0]) is None), None)

    @property
    def name(self) -> str:
        inside = self.path.is_relative_to(ROOT / "programs")
        return str(self.path.relative_to(ROOT / "programs").with_suffix("")) if inside else self.path.stem

    @property
    def twin(self) -> Path:
        """The program without the fault, beside a faulty one."""
        return self.path.with_name(self.path.name.replace("faulty", "fixed", 1))

    @property
    def report(self) -> bool:
        """Whether the program is only for reporting (benchmarks/split.json); a fixed twin goes with its faulty one."""
        return self.name.replace("/fixed", "/faulty", 1) in REPORT

    @property
    def fresh(self) -> bool:
        """Whether the program is for measuring alone, once, before anything is changed because of it."""
        return self.name.replace("/fixed", "/faulty", 1) in FRESH

    @property
    def half(self) -> str:
        return FRESH.get(self.name.replace("/fixed", "/faulty", 1), "report" if self.report else "calibration")


def programs(primary: bool = False) -> Iterator[Program]:
    """All programs; with ``primary`` only the first pair of each fault, and the healthy ones, for calibration."""
    for path in sorted((ROOT / "programs" / "healthy").glob("*.py")):
        program = Program(path, "healthy", path.stem, None)
        if not (primary and program.half != "calibration"):
            yield program
    for table in sorted((ROOT / "programs").glob("*/*/expect.json")):
        row, fault = table.parent.parent.name, table.parent.name
        expected = json.loads(table.read_text(encoding="utf-8"))
        kept = [name for name in expected if f"{row}/{fault}/{name.removesuffix('.py')}" not in FRESH]
        names = sorted(name for name in kept if expected[name].get("set") != "report") if primary else sorted(expected)
        for name in names[:1] if primary and "faulty.py" not in names else names:
            if primary and name != "faulty.py" and "faulty.py" in names:
                continue
            fixed, ranks = table.parent / name.replace("faulty", "fixed", 1), expected[name].get("ranks", 1)
            yield Program(table.parent / name, row, fault, expected[name], ranks)
            if fixed.is_file():
                yield Program(fixed, row, fault, None, ranks)


def chosen(program: Program, only: list[str]) -> bool:
    """Whether a program belongs to one of the rows or faults, or has one of the texts in its name."""
    return not only or any(text in (program.row, program.fault) or text in program.name for text in only)


def diagnose(
    program: Program,
    budget: float = 60.0,
    select: str | None = None,
    with_trace: Callable[[Trace], None] = lambda trace: None,
) -> dict[str, Any]:
    """The JSON report of a program, from the command that a user would type; ``select``: of these checks only.

    with_trace: called with the trace of the run, which is gone afterwards.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "paramedic", "run", "--dir", folder, "--budget", str(budget),
            "--format", "json", "--output", str(output), *program.command(),
        ]  # fmt: skip
        if select is not None:
            command[4:4] = ["--select", select]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL
        )
        if not output.is_file():
            raise RuntimeError(
                f"{program.name}: no report (exit code {done.returncode}): {done.stderr[-2000:]}"
            )
        for path in sorted(Path(folder).glob("*/trace.sqlite")):
            trace = Trace(path)
            with_trace(trace)
            trace.close()
        return json.loads(output.read_text(encoding="utf-8"))


def last_number(program: Program, cwd: Path = ROOT) -> float | None:
    """The last number that a program prints when it runs alone; None after a crash, nan for a nan."""
    done = subprocess.run(
        [sys.executable, *program.command(cwd)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        stdin=subprocess.DEVNULL,
    )
    found = numbers(done.stdout)
    return found[-1] if found and done.returncode == 0 else None


def numbers(text: str) -> list[float]:
    return [float(item) for item in re.findall(r"(?<![\w.])-?(?:nan|inf|\d+\.?\d*(?:e[+-]?\d+)?)\b", text)]


def holds(recorded: Any, measured: float | None) -> bool:
    """Whether a measured figure is the recorded one within TOLERANCE; texts stand for a crash or a nan."""
    if isinstance(recorded, (int, float)) and not isinstance(recorded, bool):
        return measured is not None and abs(measured - recorded) <= TOLERANCE * max(1.0, abs(recorded))
    return measured is None or not math.isfinite(measured)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=[], help="rows, faults or parts of names")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    wanted = [item for item in programs() if item.expected and chosen(item, options.only)]
    for item in wanted:
        if item.missing:
            print(f"{item.name}: left out, {item.missing} is not installed")
    faulty = [item for item in wanted if not item.missing]

    def check(program: Program) -> tuple[Program, bool, float | None, float | None]:
        assert program.expected is not None
        fixed = replace(program, path=program.twin)
        bad, good = last_number(program), last_number(fixed)
        recorded = program.expected
        return (
            program,
            holds(recorded["faulty_result"], bad) and holds(recorded["fixed_result"], good),
            bad,
            good,
        )

    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(check, faulty))
    for program, as_recorded, bad, good in results:
        if not as_recorded:
            print(f"{program.name}: recorded {program.expected}, measured faulty {bad}, fixed {good}")
    print(f"{sum(result[1] for result in results)} of {len(results)} pairs as recorded")
    sys.exit(0 if all(result[1] for result in results) else 1)


if __name__ == "__main__":
    main()
