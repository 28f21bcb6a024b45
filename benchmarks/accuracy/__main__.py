"""How often paramedic is right on the programs of ``programs/``, and how often it alarms on sound ones.

    python -m benchmarks.accuracy [--only R19 healthy] [--jobs 2] [--budget 60] [--output FILE]

runs every program through the real pipeline (resumable: results are kept in benchmarks/results/cache by the
contents of the program and of paramedic's own source) and prints the table.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.accuracy.scoring import Score, score
from benchmarks.programs import ROOT, Program, chosen, diagnose, programs

CACHE = ROOT / "benchmarks" / "results" / "cache"


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
    selected = [item for item in programs(options.primary) if chosen(item, options.only) and not item.missing]
    version, scores = source_digest(), []
    with ThreadPoolExecutor(options.jobs) as pool:
        for item in pool.map(lambda p: score(p, cached(p, options.budget, version)), selected):
            scores.append(item)
            wanted = f"wanted {item.program.expected['reason']}" if item.program.expected else "silence"
            good = (item.first and item.line) if item.program.expected else not item.alarms
            mark = "ok  " if good else ("PLACE" if item.first else "MISS")
            got = ", ".join(item.alarms) or item.failed or "nothing"
            print(f"{mark} {item.program.name}: {wanted}; got {got}", flush=True)
    print("\n" + table(scores))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(table(scores) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
