"""How many of a program's several causes are named, in which order, and what is named besides.

    python -m benchmarks.causes [--only NAME] [--budget 60] [--output FILE]

A folder of ``programs/double`` has two or three faults in one program; its expect.json lists them in order under
"causes". Programs with one fault are a list of one.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.programs import Program, chosen, diagnose, programs


def expected_causes(program: Program) -> list[dict[str, Any]]:
    """What is wrong with a program, main cause first; nothing for a sound one."""
    expected = program.expected
    return list(expected.get("causes") or [expected]) if expected else []


@dataclass(frozen=True)
class CauseScore:
    """named: of the expected causes, how many are among the alarms; placed: with the right line as well. alarms: how
    many there are, and false_alarms: how many of them are no expected cause. in_order: the alarms are the expected
    causes, all of them, in their order, and nothing else.
    """

    program: Program
    expected: int
    named: int
    placed: int
    alarms: int
    false_alarms: int
    in_order: bool


def score_causes(program: Program, report: dict[str, Any]) -> CauseScore:
    """A report against what is expected of its program."""
    causes = expected_causes(program)
    alarms = [item for item in report["findings"] if item["level"] != "note"]
    matched = [next((n for n, cause in enumerate(causes) if _is(cause, alarm)), None) for alarm in alarms]
    placed = {
        number for number, alarm in zip(matched, alarms, strict=True)
        if number is not None and _place_is_right(program, causes[number], alarm)
    }
    named = {number for number in matched if number is not None}
    return CauseScore(
        program, len(causes), len(named), len(placed), len(alarms), sum(number is None for number in matched),
        matched == list(range(len(causes))),
    )


def _is(cause: dict[str, Any], alarm: dict[str, Any]) -> bool:
    return alarm["reason"] in (cause["reason"], *cause.get("also", ()))


def _place_is_right(program: Program, cause: dict[str, Any], alarm: dict[str, Any]) -> bool:
    where = alarm["where"] or {}
    return str(where.get("file")).endswith(program.path.name) and where.get("line") in cause["lines"]


def table(scores: Sequence[CauseScore]) -> str:
    """Recall, precision and order as Markdown."""
    faulty = [item for item in scores if item.expected]
    sound = [item for item in scores if not item.expected]
    expected, alarms = sum(item.expected for item in faulty), sum(item.alarms for item in faulty)
    right = alarms - sum(item.false_alarms for item in faulty)
    rows = [
        ("causes named (recall)", f"{sum(item.named for item in faulty)}/{expected}"),
        ("causes named in the right place", f"{sum(item.placed for item in faulty)}/{expected}"),
        ("alarms that are causes (precision)", f"{right}/{alarms}"),
        ("programs with all causes in order and nothing else", f"{sum(i.in_order for i in faulty)}/{len(faulty)}"),
        ("sound programs with an alarm", f"{sum(item.alarms > 0 for item in sound)}/{len(sound)}"),
    ]
    return "\n".join(["| measure | programs with several faults |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    scores = []
    for program in programs():
        if program.row != "double" or not chosen(program, options.only):
            continue
        try:
            report = diagnose(program, options.budget)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print(f"FAILED {program.name}: {error}", flush=True)
            continue
        scores.append(score_causes(program, report))
        alarms = [f"{item['reason']} {item['check']}" for item in report["findings"] if item["level"] != "note"]
        wanted = [cause["reason"] for cause in expected_causes(program)]
        print(f"{'ok  ' if scores[-1].in_order else 'MISS'} {program.name}: wanted {wanted}; got {alarms}", flush=True)
    print("\n" + table(scores))
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        options.output.write_text(table(scores) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
