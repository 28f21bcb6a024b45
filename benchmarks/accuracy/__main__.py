"""How often paramedic is right on the programs of ``programs/``, and how often it alarms on sound ones.

    python -m benchmarks.accuracy [--only R19 healthy] [--half report] [--quick] [--jobs 2] [--output FILE]

runs every program through the real pipeline (resumable: results are kept in benchmarks/results/cache by the
contents of the program and of paramedic's own source) and prints the table. The fresh programs run only when asked for
(``--half fresh2``): they are measured once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import statistics
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.accuracy import thresholds
from benchmarks.accuracy.intervals import share
from benchmarks.accuracy.rankings import ORDERS
from benchmarks.accuracy.scoring import Score, rows_of, score
from benchmarks.programs import FRESH_SETS, ROOT, Program, chosen, diagnose, programs

QUICK = 24  # programs of the quick sample: ten minutes on two cores
SEED = 20261125
CACHE = ROOT / "benchmarks" / "results" / "cache"


def source_digest() -> str:
    """Of paramedic's own source: results of another version are not reused."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def cached(program: Program, budget: float, version: str) -> dict[str, Any]:
    key = hashlib.sha256(program.path.read_bytes() + f"{version} {budget} with thresholds".encode()).hexdigest()[:16]
    path = CACHE / f"{program.name.replace('/', '.')}-{key}.json"
    if path.is_file():
        return json.loads(path.read_text(encoding="utf-8"))
    fired: list[str] = []
    try:
        report = diagnose(program, budget, with_trace=lambda trace: fired.extend(thresholds.alarms(trace)))
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return {"failed": str(error), "findings": [], "cost": {}}
    report["fixed_thresholds"] = fired
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report), encoding="utf-8")
    return report


def table(scores: list[Score], reports: dict[str, dict[str, Any]]) -> str:
    """The figures as Markdown: by half, by row, and with other orders of the same findings."""
    return "\n\n".join([_halves(scores), _orders(scores, reports), _thresholds(scores, reports), _rows(scores)])


def _halves(scores: list[Score]) -> str:
    """Shares with Wilson's 95 % intervals, for the programs of calibration and for those of reporting."""
    titles = {"calibration": "calibration", "report": "reporting only"}
    if fresh := {item.program.half for item in scores if item.program.fresh}:
        titles = {half: half for half in sorted(fresh)}
    halves = [[item for item in scores if item.program.half == half] for half in titles]
    lines = [f"| measure | {' | '.join(titles.values())} |", f"|---{'|---' * len(titles)}|"]
    for name in ("detected", "first", "first_three", "check", "line"):
        cells = []
        for half in halves:
            faulty = [item for item in half if item.program.expected]
            cells.append(share(sum(getattr(item, name) for item in faulty), len(faulty)))
        lines.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    for name, healthy in (("healthy", True), ("fixed", False)):
        for what in ("fault", ""):
            cells = []
            for half in halves:
                group = [
                    item for item in half if not item.program.expected and (item.program.row == "healthy") == healthy
                ]
                hits = sum(any(alarm.startswith(what) for alarm in item.alarms) for item in group)
                cells.append(share(hits, len(group)))
            lines.append(f"| {name} programs with {'a fault' if what else 'any alarm'} | {' | '.join(cells)} |")
    seconds = [[item.seconds for item in half] for half in halves]
    cells = [f"{statistics.median(half):.0f}" if half else "-" for half in seconds]
    lines.append(f"| median seconds of experiments | {' | '.join(cells)} |")
    return "\n".join(lines)


def _orders(scores: list[Score], reports: dict[str, dict[str, Any]]) -> str:
    faulty = [item for item in scores if item.program.expected]
    lines = ["| order of the findings | right row first |", "|---|---|"]
    for name, order in ORDERS.items():
        hits = 0
        for item in faulty:
            found = order(reports[item.program.name])
            hits += bool(found) and found[0]["reason"] in rows_of(item.program)
        lines.append(f"| {name} | {share(hits, len(faulty))} |")
    return "\n".join(lines)


def _thresholds(scores: list[Score], reports: dict[str, dict[str, Any]]) -> str:
    """What fixed thresholds say of the same runs: on faulty programs, and on those with nothing to find."""
    runs = [(item, reports[item.program.name]["fixed_thresholds"]) for item in scores if not item.failed]
    names = [(rule.name, {rule.name}) for rule in thresholds.RULES]
    lines = [
        "| fixed threshold | alarms on faulty | and speaks of the right row | alarms on fixed and healthy |",
        "|---|---|---|---|",
    ]
    for title, wanted in [*names, ("any of the five", {name for name, _ in names})]:
        alarmed = [(item, wanted.intersection(fired)) for item, fired in runs]
        faulty = [(item, fired) for item, fired in alarmed if item.program.expected]
        sound = [fired for item, fired in alarmed if not item.program.expected]
        right = sum(bool(rows_of(item.program).intersection(thresholds.reasons(list(f)))) for item, f in faulty)
        hits = sum(bool(fired) for _, fired in faulty)
        lines.append(
            f"| {title} | {share(hits, len(faulty))} | {share(right, len(faulty))} "
            f"| {share(sum(map(bool, sound)), len(sound))} |"
        )
    faulty_runs = [item for item, _ in runs if item.program.expected]
    sound_runs = [item for item, _ in runs if not item.program.expected]
    detected, first = sum(item.detected for item in faulty_runs), sum(item.first for item in faulty_runs)
    lines.append(
        f"| paramedic (its first finding) | {share(detected, len(faulty_runs))} | {share(first, len(faulty_runs))} "
        f"| {share(sum(bool(item.alarms) for item in sound_runs), len(sound_runs))} |"
    )
    return "\n".join(lines)


def _rows(scores: list[Score]) -> str:
    """Per row: how often it was right, and what was said first instead."""
    lines = [
        "| row | faulty | right first | right place | said first instead | fixed | alarms on fixed |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in sorted({item.program.row for item in scores if item.program.row != "healthy"}):
        mine = [item for item in scores if item.program.row == row and item.program.expected]
        theirs = [item for item in scores if item.program.row == row and not item.program.expected]
        wrong = Counter((item.alarms[0].split()[1] if item.alarms else "nothing") for item in mine if not item.first)
        said = ", ".join(f"{name} {count}" for name, count in wrong.most_common())
        lines.append(
            f"| {row} | {len(mine)} | {sum(item.first for item in mine)} | {sum(item.line for item in mine)} | {said} "
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
    parser.add_argument("--quick", action="store_true", help="a fixed random sample, for ten minutes")
    halves = ("calibration", "report", *FRESH_SETS)
    parser.add_argument("--half", choices=halves, help="only these (default: the first two)")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    selected = [item for item in programs(options.primary) if chosen(item, options.only) and not item.missing]
    selected = [item for item in selected if item.half == options.half or (not options.half and not item.fresh)]
    if options.quick:
        selected = random.Random(SEED).sample(selected, min(QUICK, len(selected)))
    version, scores, reports = source_digest(), [], {}
    with ThreadPoolExecutor(options.jobs) as pool:
        for program, report in zip(
            selected, pool.map(lambda p: cached(p, options.budget, version), selected), strict=True
        ):
            item = score(program, report)
            scores.append(item)
            reports[program.name] = report
            wanted = f"wanted {item.program.expected['reason']}" if item.program.expected else "silence"
            good = (item.first and item.line) if item.program.expected else not item.alarms
            mark = "FAIL" if item.failed else "ok  " if good else ("PLACE" if item.first else "MISS")
            got = ", ".join(item.alarms) or item.failed or "nothing"
            print(f"{mark} {item.program.name}: {wanted}; got {got}", flush=True)
    text = table([item for item in scores if not item.failed], reports)
    left_out = [item.program.name for item in scores if item.failed]
    text += f"\n\nNot measured, because the run failed or took too long: {', '.join(left_out)}." if left_out else ""
    print("\n" + text)
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
