"""Faults put into healthy programs: a fixed random sample of program and operator, kept where the fault does harm.

    python -m benchmarks.accuracy.injected [--cases 80] [--budget 60] [--jobs 2]

writes one line of JSON per case to benchmarks/results/injected.jsonl, resumes there, and prints the table. Run again
to go on. ``--cases`` counts pairs that are tried: those whose fault does no measurable harm are recorded and left out.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.accuracy.intervals import share
from benchmarks.accuracy.operators import OPERATORS, inject
from benchmarks.accuracy.scoring import score
from benchmarks.programs import ROOT, Program, diagnose, last_number, programs

RESULTS = ROOT / "benchmarks" / "results" / "injected.jsonl"
SEED = 20261125
RISES = re.compile(r"acc|right|r2|iou|f1|dice|precision|auc|score", re.IGNORECASE)
FALLS = re.compile(r"mse|mae|rmse|error|distance|mean absolute", re.IGNORECASE)
LEAST_LOSS = 0.05  # of a share: what a person would call worse, beyond the spread between seeds of these programs
LEAST_GROWTH = 1.2  # of an error


@dataclass(frozen=True)
class Case:
    program: str
    operator: str


@dataclass(frozen=True)
class Outcome:
    """before, after: the last number that the program prints, healthy and injected."""

    program: str
    operator: str
    reason: str
    harmful: bool
    before: float | None
    after: float | None
    first: bool = False
    first_three: bool = False
    check: bool = False
    line: bool = False
    detected: bool = False
    alarms: tuple[str, ...] = ()


def cases() -> list[Case]:
    """All pairs of healthy program and applicable operator, in a fixed random order that goes round the operators."""
    rounds: dict[str, list[Case]] = {}
    for program in programs():
        if program.row == "healthy" and not program.fresh:
            text = program.path.read_text(encoding="utf-8")
            if direction(text) is None:
                continue
            for name, operator in OPERATORS.items():
                if inject(operator, text) is not None:
                    rounds.setdefault(name, []).append(Case(program.name, name))
    generator = random.Random(SEED)
    for found in rounds.values():
        generator.shuffle(found)
    order: list[Case] = []
    while any(rounds.values()):
        turn = [found.pop() for found in rounds.values() if found]
        generator.shuffle(turn)
        order.extend(turn)
    return order


def direction(text: str) -> int | None:
    """1 if the last number that a program prints should rise, -1 if it should fall, None if its text does not say."""
    prints = [line for line in text.splitlines() if "print(" in line or "log" in line and "info(" in line]
    for line in reversed(prints):
        words = [(match.start(), 1) for match in RISES.finditer(line)]
        words += [(match.start(), -1) for match in FALLS.finditer(line)]
        if words:
            return max(words)[1]
    return None


def harms(before: float | None, after: float | None, rises: int, metric: bool) -> bool:
    """Whether the last number got worse; for a fault of the metric, whether it changed."""
    if before is None or not math.isfinite(before):
        return False
    if after is None or not math.isfinite(after):
        return True
    if metric:
        return abs(after - before) >= LEAST_LOSS * max(1.0, abs(before))
    return before - after >= LEAST_LOSS if rises > 0 else after >= LEAST_GROWTH * before


def run(case: Case, budget: float, healthy: dict[str, float | None]) -> Outcome:
    """Inject, train alone, and diagnose where it harms."""
    path = ROOT / "programs" / f"{case.program}.py"
    text, operator = path.read_text(encoding="utf-8"), OPERATORS[case.operator]
    injection = inject(operator, text)
    assert injection is not None
    original = Program(path, "healthy", path.stem, None)
    if case.program not in healthy:
        healthy[case.program] = last_number(original)
    with tempfile.TemporaryDirectory(dir=ROOT / "benchmarks", prefix="injected-") as folder:
        target = Path(folder) / path.name
        target.write_text(injection.text, encoding="utf-8")
        expected = {"reason": operator.reason, "check": operator.check, "also": operator.also, "lines": injection.lines}
        program = replace(original, path=target, expected=expected)
        before, after = healthy[case.program], last_number(program)
        harmful = harms(before, after, direction(text) or 1, operator.metric)
        outcome = Outcome(case.program, case.operator, operator.reason, harmful, before, after)
        if not harmful:
            return outcome
        found = score(program, diagnose(program, budget))
        return replace(
            outcome, detected=found.detected, first=found.first, first_three=found.first_three, check=found.check,
            line=found.line, alarms=found.alarms,
        )


def table(outcomes: list[dict[str, Any]]) -> str:
    harmful = [item for item in outcomes if item["harmful"]]
    lines = [f"{len(outcomes)} pairs tried, {len(harmful)} of them with harm.", "", "| measure | share (95 %) |", "|---|---|"]
    for name in ("detected", "first", "first_three", "check", "line"):
        hits = sum(item[name] for item in harmful)
        lines.append(f"| {name.replace('_', ' ')} | {share(hits, len(harmful))} |")
    lines += ["", "| row | cases | right first | said first instead |", "|---|---|---|---|"]
    for reason in sorted({item["reason"] for item in harmful}):
        mine = [item for item in harmful if item["reason"] == reason]
        wrong = [(item["alarms"] or ["nothing"])[0] for item in mine if not item["first"]]
        lines.append(f"| {reason} | {len(mine)} | {sum(item['first'] for item in mine)} | {', '.join(wrong)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=80, help="pairs of program and operator to try")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--jobs", type=int, default=2, help="cases at once")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.is_file() else []
    known = {(item["program"], item["operator"]) for item in done}
    healthy: dict[str, float | None] = {item["program"]: item["before"] for item in done}
    chosen = cases()[: options.cases]
    left = [case for case in chosen if (case.program, case.operator) not in known]
    with ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(run, case, options.budget, healthy): case for case in left}
        for future in as_completed(running):
            case, outcome = running[future], asdict(future.result())
            done.append(outcome)
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(outcome) + "\n")
            verdict = "right first" if outcome["first"] else "MISS" if outcome["harmful"] else "no harm"
            print(f"{len(done)}/{len(chosen)} {case.program} {case.operator}: {verdict} {outcome['alarms']}", flush=True)
    print("\n" + table(done))


if __name__ == "__main__":
    main()
