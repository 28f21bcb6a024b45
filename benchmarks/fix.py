"""How many faulty programs the patches of ``paramedic fix`` repair to the level of the fixed program.

    python -m benchmarks.fix [--primary] [--only R19 R36] [--markdown docs/fix-results.md]

The commands are those of a user: each faulty program is diagnosed with ``paramedic run`` (its own check only, which costs
less and finds the same), and ``paramedic fix --verify`` tries the patch of the finding; the figure that the patched
program printed there is compared with those recorded of the faulty and the fixed program.
``--markdown`` keeps the lines of programs that were not measured this time.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.programs import TIMEOUT, Program, chosen, numbers, programs
from paramedic.measurements.printed import curves
from paramedic.remedies.patching import apply, file_of
from paramedic.remedies.registry import rewrites
from paramedic.remedies.unpatched import UNPATCHED

BUDGET = 20.0
VERIFY_BUDGET = 10.0  # seconds of experiments of ``fix --verify``, which looks for the finding again
SHARE = 0.1  # of the way from the fixed to the faulty figure: what is nearer to the fixed one is repaired
NO_PATCH, NOT_FOUND, REPAIRED, BETTER, FAILED = "no patch", "not found", "repaired", "better", "not repaired"
HELPS, WITHDRAWN = "helps", "withdrawn"


@dataclass(frozen=True)
class Result:
    """What became of one program. said: what ``fix --verify`` says of the patch."""

    program: Program
    outcome: str
    patched: float | None = None
    change: str = ""
    said: str = ""
    measured: str = ""


def paramedic(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "paramedic", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def mend(program: Program) -> Result:
    """What a user would type, in a copy of the program's folder: run, fix --verify; and the figure of the patched run."""
    assert program.expected is not None
    check = program.expected["check"]
    with tempfile.TemporaryDirectory() as folder:
        copy, runs, report = Path(folder) / program.path.parent.name, f"{folder}/runs", f"{folder}/report.json"
        shutil.copytree(program.path.parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
        here = replace(program, path=copy / program.path.name)
        paramedic(
            "run", "--dir", runs, "--budget", f"{BUDGET:g}", "--select", check, "--format", "json", "--output", report,
            *here.command(copy), cwd=copy,
        )  # fmt: skip
        if not Path(report).is_file():
            return Result(program, NOT_FOUND)
        document = json.loads(Path(report).read_text(encoding="utf-8"))
        least = ("fault", "suspect", "note")[: 3 if program.expected.get("level") == "note" else 2]
        found = [item for item in document["findings"] if item["check"] == check and item["level"] in least]
        if not found:
            return Result(program, NOT_FOUND)
        text = (found[0]["remedy"] or {}).get("patch")
        if text is None:
            return Result(program, NO_PATCH)
        done = paramedic(
            "fix", "--verify", "--check", check, "--budget", f"{VERIFY_BUDGET:g}", "--format", "json", "--dir", runs, cwd=copy
        )
        change = " ".join(line[1:].strip() for line in text.splitlines()[2:] if line[:1] == "+")
        if not done.stdout.startswith("{"):
            print(f"{program.name}: {done.stderr[-500:]}", file=sys.stderr)
            return Result(program, FAILED, None, change)
        verified = json.loads(done.stdout)["patches"][0]["verified"]
        value = _reached(program, verified["patched"], text, copy)
    outcome = repaired(program.expected, value) if verified["helped"] else FAILED
    return Result(program, outcome, value, change, HELPS if verified["helped"] else f"{WITHDRAWN}: {verified['why']}")


def _reached(program: Program, end: dict[str, Any], text: str, copy: Path) -> float | None:
    """The recorded figure as the verified run printed it; of a run more where it has another name there."""
    assert program.expected is not None
    if end["exit_code"] != 0:
        return None
    named = {_plain(name): values[-1] for name, values in end["printed"].items()}
    wanted = _plain(str(program.expected["metric"]))
    if wanted in named:
        return float(named[wanted])
    path = copy / Path(file_of(text)).name
    path.write_text(apply(text, path.read_text(encoding="utf-8")), encoding="utf-8")
    return figure(replace(program, path=copy / program.path.name), copy)


def repaired(expected: dict[str, Any], patched: float | None) -> str:
    """Whether a figure is that of the fixed program, on the way to it, or neither."""
    fixed, faulty = _number(expected["fixed_result"]), _number(expected["faulty_result"])
    if fixed is None or patched is None or not math.isfinite(patched):
        return FAILED
    if faulty is None:
        return REPAIRED if patched >= fixed - SHARE * max(1.0, abs(fixed)) or fixed < 0 else FAILED
    if fixed == faulty:  # the fault is in what is compared, or shows elsewhere: the figure is to be the same
        return REPAIRED if math.isclose(patched, fixed, abs_tol=SHARE * max(1.0, abs(fixed))) else FAILED
    if (fixed - patched) / (fixed - faulty) <= SHARE:
        return REPAIRED
    return BETTER if (fixed - patched) / (fixed - faulty) < 0.5 else FAILED


def figure(program: Program, cwd: Path) -> float | None:
    """The last value of the recorded figure by its name; of the last number where no printed one is called so."""
    done = subprocess.run(
        [sys.executable, *program.command(cwd)],
        cwd=cwd, capture_output=True, text=True, timeout=TIMEOUT, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        return None
    assert program.expected is not None
    named = {_plain(name): values[-1] for name, values in curves(done.stdout).items()}
    wanted = _plain(str(program.expected["metric"]))
    return named[wanted] if wanted in named else numbers(done.stdout)[-1] if numbers(done.stdout) else None


def _plain(name: str) -> str:
    words = re.findall(r"[a-z0-9]+", name.lower().replace("validation", "val"))
    return " ".join(words)


def _number(value: Any) -> float | None:
    number = float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
    return number if number is not None and math.isfinite(number) else None


HEADER = """\
# What the patches repair

Written by `{command}`; each line says when it was measured. Every faulty program is diagnosed
(`paramedic run` with its own check, {budget:.0f} s of experiments), and `paramedic fix --verify` tries the patch of the
finding in a copy; the figure that the patched program prints there is compared with those of the faulty and the fixed
program. *repaired*: `--verify` says that the patch helps, and the figure is nine tenths of the way to the fixed program's
or further; *better*: half of it; *no patch*: the finding says in words what to change; *not found*: the check was silent
in its {budget:.0f} s. Where the column of `--verify` says "applied", the line is of an earlier day, when the patch was
applied to a copy and run without `--verify`.

"""
COLUMNS = (
    "| program | figure | faulty | fixed | patched | outcome | `--verify` | measured | what the patch writes |\n"
    "|---|---|---|---|---|---|---|---|---|\n"
)


def row(item: Result) -> str:
    expected = item.program.expected
    assert expected is not None
    change = item.change[:90].replace("|", "\\|").replace("`", "'")
    shown = "" if item.patched is None else f"{item.patched:.4g}"
    return (
        f"| {item.program.name} | {expected['metric']} | {expected['faulty_result']} | {expected['fixed_result']} | "
        f"{shown} | {item.outcome} | {item.said} | {item.measured} | {f'`{change}`' if change else ''} |"
    )


def merged(path: Path, results: list[Result]) -> list[str]:
    """The lines of the table: those that were there, and the new ones in their places."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    known = {line.split("|")[1].strip(): line for line in lines if line.startswith("| ") and "/" in line.split("|")[1]}
    known |= {item.program.name: row(item) for item in results}
    return [known[name] for name in sorted(known)]


def document(path: Path, results: list[Result]) -> str:
    rows = merged(path, results)
    cells = [[cell.strip() for cell in line.split("|")] for line in rows]
    outcomes = [(line[1].partition("/")[0], line[6]) for line in cells]
    measured = "\n".join(rows)
    unpatched = "\n".join(f"| {name} | {why} |" for name, why in sorted(UNPATCHED.items()))
    head = HEADER.format(command="python -m benchmarks.fix --primary --markdown docs/fix-results.md", budget=BUDGET)
    return (
        f"{head}{summary(outcomes)}\n\n{COLUMNS}{measured}\n\n"
        "## Rows without a repaired program\n\n| row | what became of its programs |\n|---|---|\n"
        + "".join(f"| {name} | {why} |\n" for name, why in unrepaired(cells)) + "\n"
        "## Checks without a patch\n\nTheir findings say in words what to change.\n\n"
        f"| check | no patch, because |\n|---|---|\n{unpatched}\n"
    )


def unrepaired(cells: list[list[str]]) -> Iterator[tuple[str, str]]:
    """Rows of which no measured program was repaired, and why; those of which none was measured too."""
    faulty = [program for program in programs(primary=True) if program.expected]
    known = {line[1]: line[6] for line in cells}
    done = {name.partition("/")[0] for name, outcome in known.items() if outcome == REPAIRED}
    for name in sorted({program.row for program in faulty if re.fullmatch(r"R\d+", program.row)} - done):
        mine = [program for program in faulty if program.row == name]
        yield name, "; ".join(_fate(program, known.get(program.name, "not measured")) for program in mine)


def _fate(program: Program, outcome: str) -> str:
    assert program.expected is not None
    check = program.expected["check"]
    why = UNPATCHED.get(check)
    if why and outcome not in (NO_PATCH, NOT_FOUND):  # no run could show another outcome
        outcome = NO_PATCH
    return f"{check}: {outcome}" + (f" ({why})" if why else "")


def summary(outcomes: list[tuple[str, str]]) -> str:
    """outcomes: (row, outcome) of every program."""
    counts = {kind: sum(one == kind for _, one in outcomes) for kind in (REPAIRED, BETTER, FAILED, NO_PATCH, NOT_FOUND)}
    rows = sorted({name for name, one in outcomes if one == REPAIRED})
    counted = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    return f"{len(outcomes)} faulty programs: {counted}. Rows with a repaired program ({len(rows)}): {' '.join(rows)}."


def wanted(only: list[str], primary: bool) -> Iterator[Program]:
    """In the order of ``only``, so that the most wanted ones come first."""
    faulty = [program for program in programs(primary=primary) if program.expected and not program.fresh]
    seen: set[str] = set()
    for text in only or [""]:
        for program in faulty:
            if program.name not in seen and chosen(program, [text] if text else []):
                seen.add(program.name)
                yield program


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="rows, faults or parts of names")
    parser.add_argument("--primary", action="store_true", help="the first program of each fault only")
    parser.add_argument("--with-rewrite", action="store_true", help="only faults that a rewrite is written for")
    parser.add_argument("--markdown", type=Path, help="write the table here")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    results: list[Result] = []
    for program in wanted(options.only, options.primary):
        assert program.expected is not None
        if options.with_rewrite and program.expected["check"] not in rewrites():
            continue
        try:
            result = mend(program)
        except subprocess.TimeoutExpired as error:  # one program must not end the rest
            print(f"{program.name}: {error}", file=sys.stderr)
            continue
        results.append(replace(result, measured=time.strftime("%Y-%m-%d")))
        print(f"{results[-1].outcome:<13} {program.name} {results[-1].patched or ''}", file=sys.stderr, flush=True)
        if options.markdown is not None:
            options.markdown.write_text(document(options.markdown, results), encoding="utf-8")
    print(summary([(item.program.row, item.outcome) for item in results]))


if __name__ == "__main__":
    main()
