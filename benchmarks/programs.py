"""The programs of ``programs/``, what is expected of them, and what paramedic says of them.

    python -m benchmarks.programs [--only R19 healthy] [--jobs 2] [--budget 60] [--output FILE]

runs every program through the real pipeline (resumable: results are kept in benchmarks/results/cache by the
contents of the program and of paramedic's own source) and prints the table of accuracy and false alarms.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "benchmarks" / "results" / "cache"
TIMEOUT = 300.0


@dataclass(frozen=True)
class Program:
    """One training program. ``expected`` is None for healthy and fixed programs.

    expected: reason, check, lines (accepted places), also (other accepted rows), severity.
    """

    path: Path
    row: str
    fault: str
    expected: dict[str, Any] | None

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT / "programs").with_suffix(""))


def programs(primary: bool = False) -> Iterator[Program]:
    """All programs; with ``primary`` only the first pair of each fault, and the healthy ones."""
    for path in sorted((ROOT / "programs" / "healthy").glob("*.py")):
        yield Program(path, "healthy", path.stem, None)
    for table in sorted((ROOT / "programs").glob("*/*/expect.json")):
        row, fault = table.parent.parent.name, table.parent.name
        expected = json.loads(table.read_text(encoding="utf-8"))
        names = sorted(expected)
        for name in names[:1] if primary and "faulty.py" not in names else names:
            if primary and name != "faulty.py" and "faulty.py" in names:
                continue
            fixed = table.parent / name.replace("faulty", "fixed", 1)
            yield Program(table.parent / name, row, fault, expected[name])
            if fixed.is_file():
                yield Program(fixed, row, fault, None)


def diagnose(program: Program, budget: float = 60.0) -> dict[str, Any]:
    """The JSON report of a program, from the command that a user would type."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "paramedic", "run", "--dir", folder, "--budget", str(budget),
            "--format", "json", "--output", str(output), str(program.path.relative_to(ROOT)),
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL
        )
        if not output.is_file():
            raise RuntimeError(
                f"{program.name}: no report (exit code {done.returncode}): {done.stderr[-2000:]}"
            )
        return json.loads(output.read_text(encoding="utf-8"))


def source_digest() -> str:
    """Of paramedic's own source: results of another version are not reused."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def cached(program: Program, budget: float, version: str) -> dict[str, Any]:
    key = hashlib.sha256(program.path.read_bytes() + f"{version} {budget}".encode()).hexdigest()[:16]
    path = CACHE / f"{program.name.replace('/', '.')}-{key}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    try:
        report = diagnose(program, budget)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return {"failed": str(error), "findings": [], "cost": {}}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report), encoding="utf-8")
    return report


@dataclass(frozen=True)
class Score:
    """How a report compares with what is expected."""

    program: Program
    detected: bool
    first: bool
    first_three: bool
    check: bool
    line: bool
    alarms: tuple[str, ...]
    seconds: float
    failed: str | None = None


def score(program: Program, report: dict[str, Any]) -> Score:
    """Rank, check and place; for healthy programs the alarms (faults and suspects)."""
    alarms = [finding for finding in report["findings"] if finding["level"] != "note"]
    names = tuple(f"{item['level']} {item['reason']} {item['check']}" for item in alarms)
    expected = program.expected or {}
    rows = {expected.get("reason"), *expected.get("also", ())}
    lines = set(expected.get("lines", ()))
    first = bool(alarms) and alarms[0]["reason"] in rows
    where = (alarms[0]["where"] or {}) if alarms else {}
    here = where.get("file") is not None and str(where["file"]).endswith(program.path.name)
    return Score(
        program,
        detected=bool(alarms),
        first=first,
        first_three=any(item["reason"] in rows for item in alarms[:3]),
        check=bool(alarms) and alarms[0]["check"] == expected.get("check"),
        line=first and here and where.get("line") in lines,
        alarms=names,
        seconds=float(report["cost"].get("experiments_s", 0.0)),
        failed=report.get("failed"),
    )


def table(scores: list[Score]) -> str:
    """The figures as Markdown."""
    faulty = [item for item in scores if item.program.expected]
    sound = [item for item in scores if not item.program.expected]
    lines = ["| measure | faulty programs |", "|---|---|"]
    for name in ("detected", "first", "first_three", "check", "line"):
        count = sum(getattr(item, name) for item in faulty)
        lines.append(f"| {name.replace('_', ' ')} | {count}/{len(faulty)} |")
    healthy = [item for item in sound if item.program.row == "healthy"]
    fixed = [item for item in sound if item.program.row != "healthy"]
    for name, group in (("healthy", healthy), ("fixed", fixed)):
        faults = sum(any(alarm.startswith("fault") for alarm in item.alarms) for item in group)
        alarmed = sum(bool(item.alarms) for item in group)
        lines.append(f"| {name} programs with a fault | {faults}/{len(group)} |")
        lines.append(f"| {name} programs with any alarm | {alarmed}/{len(group)} |")
    lines += [
        "",
        "| row | faulty | right first | right place | fixed | alarms on fixed |",
        "|---|---|---|---|---|---|",
    ]
    for row in sorted({item.program.row for item in scores if item.program.row != "healthy"}):
        mine = [item for item in faulty if item.program.row == row]
        theirs = [item for item in fixed if item.program.row == row]
        lines.append(
            f"| {row} | {len(mine)} | {sum(item.first for item in mine)} | {sum(item.line for item in mine)} "
            f"| {len(theirs)} | {sum(bool(item.alarms) for item in theirs)} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=[], help="rows, faults or parts of names")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--primary", action="store_true", help="only the first pair of each fault")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    chosen = [
        item for item in programs(options.primary)
        if not options.only or any(text in (item.row, item.fault) or text in item.name for text in options.only)
    ]  # fmt: skip
    version, scores = source_digest(), []
    with ThreadPoolExecutor(options.jobs) as pool:
        for item in pool.map(lambda p: score(p, cached(p, options.budget, version)), chosen):
            scores.append(item)
            wanted = f"wanted {item.program.expected['reason']}" if item.program.expected else "silence"
            good = (item.first and item.line) if item.program.expected else not item.alarms
            mark = "ok  " if good else ("PLACE" if item.first else "MISS")
            print(
                f"{mark} {item.program.name}: {wanted}; got {', '.join(item.alarms) or item.failed or 'nothing'}",
                flush=True,
            )
    print("\n" + table(scores))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(table(scores) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
