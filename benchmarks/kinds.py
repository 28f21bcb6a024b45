"""Every kind of training loop and framework: what is observed, whether the program is unharmed, and the diagnosis.

    python -m benchmarks.kinds [--only lightning ddp] [--budget 10] [--output docs/kinds.md]

runs each program of programs/frameworks alone and observed, both under tests/weigh.py. "Equal" means that weights,
buffers, gradients, modes, hooks, random states and printed output are bit for bit the same. Results are kept in
benchmarks/results/kinds.json and the table shows all that are there, with the commit that each was measured at.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.accuracy import score
from benchmarks.programs import ROOT, TIMEOUT, Program, programs

RESULTS = ROOT / "benchmarks" / "results" / "kinds.json"
WEIGH = "tests/weigh.py"
PLACE = re.compile(r"programs/\S+?/(?:faulty|fixed)\w*\.py:\d+")


def weighed(program: Program) -> list[str]:
    """The program's command with tests/weigh.py before the script."""
    *launcher, script = program.command()
    return [*launcher, WEIGH, script]


def examined(program: Program, budget: float) -> dict[str, Any]:
    """One program alone and observed: equal or not, what was seen, and the alarms."""
    options: dict[str, Any] = {
        "cwd": ROOT, "capture_output": True, "text": True, "timeout": TIMEOUT, "stdin": subprocess.DEVNULL,
    }  # fmt: skip
    alone = subprocess.run([sys.executable, *weighed(program)], **options)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "report.json"
        command = [
            sys.executable, "-m", "paramedic", "run", "--dir", folder, "--budget", str(budget), "--fail-on", "never",
            "--format", "json", "--output", str(output), *weighed(program),
        ]  # fmt: skip
        seen = subprocess.run(command, **options)
        if not output.is_file():
            return {"failed": (seen.stderr.strip().splitlines() or ["no report"])[-1]}
        report = json.loads(output.read_text(encoding="utf-8"))
    lines = sorted(alone.stdout.splitlines())
    result = score(program, report)
    rest = sorted(seen.stdout.splitlines())
    equal: bool | None = bool(lines) and alone.returncode == 0 and all(line in rest for line in lines)
    if not equal:
        again = set(subprocess.run([sys.executable, *weighed(program)], **options).stdout.splitlines())
        stable = [line for line in lines if line in again]  # without the times that it prints
        weights = any(line.startswith("at exit ") for line in stable)  # of tests/weigh.py
        equal = all(line in rest for line in stable) if weights else None  # it does not repeat itself
    return {
        "equal": equal,
        "steps": report["program"]["steps"],
        "not_observed": report["not_observed"],
        "alarms": list(result.alarms),
        "right": result.first and result.line if program.expected else not result.alarms,
    }


def table(results: dict[str, Any]) -> str:
    lines = [
        "| kind | steps seen | not observed | unharmed, bit for bit | faulty one diagnosed first | healthy one silent |",
        "|---|---|---|---|---|---|",
    ]
    for kind in sorted({item.fault for item in programs() if item.row == "frameworks"}):
        mine = [item for item in programs() if item.row == "frameworks" and item.fault == kind]
        known = [(item, results[item.name]) for item in mine if item.name in results]
        if not known:
            lines.append(f"| {kind} | not run | | | | |")
            continue
        good = [result for item, result in known if not item.expected]
        bad = [result for item, result in known if item.expected]
        every = [result for _, result in known]
        unseen = sorted({PLACE.sub("a line of it", text) for result in every for text in result.get("not_observed", [])})
        lines.append(
            f"| {kind} | {max(result.get('steps', 0) for result in every)} | {'; '.join(unseen) or '-'} "
            f"| {_share(every, 'equal')} | {_share(bad, 'right')} | {_share(good, 'right')} |"
        )
    commits = ", ".join(sorted({result["commit"] for result in results.values()}))
    return "\n".join([*lines, "", f"Made by `make bench-kinds` (`python -m benchmarks.kinds`), at {commits}."])


def _share(results: list[dict[str, Any]], key: str) -> str:
    if not results:
        return "not run"
    if any(key in result and result[key] is None for result in results):
        return "cannot be said: two runs alone differ"
    return f"{sum(bool(result.get(key)) for result in results)} of {len(results)}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="*", default=[], help="kinds or parts of programs' names")
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "kinds.md")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    for program in programs():
        if program.row != "frameworks" or not _chosen(program, options.only):
            continue
        if program.missing:
            print(f"{program.name}: left out, {program.missing} is not installed")
            continue
        try:
            found = examined(program, options.budget)
        except subprocess.TimeoutExpired:
            found = {"failed": f"took more than {TIMEOUT:.0f} s"}
        results[program.name] = {**found, "commit": commit}
        print(program.name, found, flush=True)
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        options.output.write_text(HEADER + table(results) + "\n", encoding="utf-8")


def _chosen(program: Program, only: list[str]) -> bool:
    return not only or any(text == program.fault or text in program.name for text in only)


HEADER = """# Kinds of training programs

One faulty and one healthy program of each kind, unmodified, through `paramedic run` (those of several processes as
`paramedic run -m torch.distributed.run --nproc-per-node 2 train.py`: each rank is observed, rank 0 reports).

"""


if __name__ == "__main__":
    main()
