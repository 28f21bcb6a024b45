"""Every kind of training loop and framework: what is observed, whether the program is unharmed, and the diagnosis.

    python -m benchmarks.kinds [--only lightning ddp] [--jobs 2] [--again] [--budget 10] [--output docs/kinds.md]

runs each program of programs/frameworks alone and observed, both under tests/weigh.py. "Equal" means that weights,
buffers, gradients, modes, hooks, random states and printed output are bit for bit the same; where they are not, the
program is run alone once more, and what then differs as well (a time that it prints) does not count. Results are kept in
benchmarks/results/kinds.json as they come, with the commit that each was measured at: an interrupted command goes on where
it was, and ``--again`` measures anew what is there for this commit. The table shows all that are there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
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
        "cwd": ROOT, "capture_output": True, "text": True, "timeout": limit(), "stdin": subprocess.DEVNULL,
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


def limit() -> float:
    """Seconds for one program: longer where others use the processors as well."""
    return TIMEOUT * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def measured(program: Program, budget: float) -> dict[str, Any]:
    """``examined``, with the seconds that it took; what went wrong with it is a result, too."""
    started = time.perf_counter()
    try:
        found = examined(program, budget)
    except subprocess.TimeoutExpired as error:
        found = {"failed": f"took more than {error.timeout:.0f} s"}
    return {**found, "seconds": round(time.perf_counter() - started, 1)}


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
    shown = [result for item in programs() if (result := results.get(item.name)) is not None]
    commits = ", ".join(sorted({result["commit"] for result in shown}))
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
    parser.add_argument("--jobs", type=int, default=2, help="programs at a time")
    parser.add_argument("--again", action="store_true", help="also what was measured at this commit already")
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "kinds.md")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    wanted = [item for item in programs() if item.row == "frameworks" and _chosen(item, options.only)]
    for program in [item for item in wanted if item.missing]:
        print(f"{program.name}: left out, {program.missing} is not installed")
    wanted = [item for item in wanted if not item.missing and (options.again or not _is_known(results, item, commit))]
    saving, done = threading.Lock(), 0

    def one(program: Program) -> None:
        nonlocal done
        found = measured(program, options.budget)
        with saving:
            done += 1
            print(f"[{done}/{len(wanted)}] {program.name} {found}", flush=True)
            results[program.name] = {**found, "commit": commit}
            _write(RESULTS, json.dumps(results, indent=1, sort_keys=True) + "\n")
            _write(options.output, HEADER + table(results) + "\n")

    with ThreadPoolExecutor(options.jobs) as pool:
        try:
            list(pool.map(one, [item for item in wanted if item.ranks == 1]))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for program in [item for item in wanted if item.ranks > 1]:  # two launchers would take the same port
        one(program)
    _write(options.output, HEADER + table(results) + "\n")


def _is_known(results: dict[str, Any], program: Program, commit: str) -> bool:
    """Whether it was measured at this commit; what did not come to an end is tried again."""
    known = results.get(program.name, {})
    return known.get("commit") == commit and "failed" not in known


def _write(path: Path, text: str) -> None:
    """At once, so that whoever interrupts us leaves a whole file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _chosen(program: Program, only: list[str]) -> bool:
    return not only or any(text == program.fault or text in program.name for text in only)


HEADER = """# Kinds of training programs

One faulty and one healthy program of each kind, unmodified, through `paramedic run` (those of several processes as
`paramedic run -m torch.distributed.run --nproc-per-node 2 train.py`: each rank is observed, rank 0 reports).

"""


if __name__ == "__main__":
    main()
