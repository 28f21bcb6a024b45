"""The rows that the lab's experiments speak for: pairs by severity and kind of program, and what was said of each.

    python -m benchmarks.accuracy.lab_rows [--only R19] [--jobs 2] [--budget 60] [--again NAME ...] [--output docs/lab-rows.md]

runs up to two pairs of each row and severity, of different kinds where there are: chosen by the hash of their names, whatever
they give. Every report counts for all rows: whether a row is found, passed, not applicable or not checked. Results are kept in
benchmarks/results/lab_rows.jsonl as they come, with date and commit, so that an interrupted command goes on where it was;
a program that has changed runs anew, and so do those of ``--again`` (parts of names).
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.accuracy.scoring import score
from benchmarks.programs import ROOT, Program, chosen, diagnose, programs
from paramedic.catalogue import ROW_BY_ID

RESULTS = ROOT / "benchmarks" / "results" / "lab_rows.jsonl"
KNOWN_MISSES = json.loads((ROOT / "tests" / "known_misses.json").read_text(encoding="utf-8"))
SEED = 20261127
PAIRS = 2  # of each row and severity
LAB = (
    "S5", "R27", "R17", "R18", "R19", "R20", "R02", "R16", "R24", "R22", "R26", "S2", "R30", "R13", "R11", "R12", "R28",
    "R34", "R36", "R29", "R31", "R32", "S1", "A1", "S6",
)  # fmt: skip
SEVERITIES = ("severe", "moderate", "mild")
STATUSES = ("found", "passed", "not-applicable", "not-checked")

# What a program's names say of its kind; the first that is there counts.
NETWORKS = {
    "transformer": ("attention", "transformer", "gpt", "bert"),
    "recurrent": ("lstm", "gru", "rnn"),
    "convolutional": ("conv1d", "conv2d", "convtranspose2d"),
    "embeddings": ("embedding", "embeddingbag"),
}
PERCEPTRON = "perceptron"
CLASSES = ("cross_entropy", "crossentropyloss", "nll_loss", "nllloss", "binary_cross_entropy", "bceloss", "bcewithlogitsloss",
           "binary_cross_entropy_with_logits", "sparse_categorical_crossentropy", "argmax", "accuracy_score")  # fmt: skip
NUMBERS = ("mse_loss", "mseloss", "l1_loss", "l1loss", "smooth_l1_loss", "smoothl1loss", "huber_loss", "huberloss",
           "gaussian_nll_loss")  # fmt: skip


def kind(program: Program) -> str:
    """Network and task, by the names in the program's source: "convolutional, classes"."""
    names = set(_names(ast.parse(program.path.read_text(encoding="utf-8"))))
    network = next(
        (title for title, parts in NETWORKS.items() if any(_speaks(name, parts, title) for name in names)), PERCEPTRON
    )
    task = "classes" if names.intersection(CLASSES) else "numbers" if names.intersection(NUMBERS) else "another loss"
    return f"{network}, {task}"


def _speaks(name: str, parts: tuple[str, ...], title: str) -> bool:
    return any(part in name for part in parts) if title == "transformer" else name in parts


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id.lower()
        elif isinstance(node, ast.Attribute):
            yield node.attr.lower()
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2].lower()
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
            yield node.value.lower()


def pairs(known: Iterable[Program]) -> dict[tuple[str, str], list[Program]]:
    """The faulty programs that have a fixed twin, by row and severity."""
    found: dict[tuple[str, str], list[Program]] = {(row, severity): [] for row in LAB for severity in SEVERITIES}
    for item in known:
        if item.expected and item.twin.is_file() and not item.missing and not item.expected.get("causes"):
            place = (item.expected["reason"], item.expected.get("severity", ""))
            if place in found:
                found[place].append(item)
    return found


def selected(candidates: list[Program], kind_of: Callable[[Program], str] = kind) -> list[Program]:
    """Up to PAIRS of them, each of another kind where there is one; the same ones every time."""
    order = sorted(candidates, key=lambda item: hashlib.sha256(f"{SEED} {item.name}".encode()).hexdigest())
    taken: list[Program] = []
    while order and len(taken) < PAIRS:
        kinds = {kind_of(item) for item in taken}
        taken.append(next((item for item in order if kind_of(item) not in kinds), order[0]))
        order.remove(taken[-1])
    return taken


def twin_of(program: Program) -> Program:
    return Program(program.twin, program.row, program.fault, None, program.ranks)


def to_run(chosen_pairs: dict[tuple[str, str], list[Program]]) -> list[Program]:
    """One severity of every row, then another, then the second pairs: a run that is stopped has something of every row."""
    found: dict[str, Program] = {}
    for number in range(PAIRS * len(SEVERITIES)):
        for position, row in enumerate(LAB):
            severity = SEVERITIES[(position + number) % len(SEVERITIES)]
            place = number // len(SEVERITIES)
            for item in chosen_pairs[row, severity][place : place + 1]:
                found |= {item.name: item, twin_of(item).name: twin_of(item)}
    return list(found.values())


def digest(program: Program) -> str:
    return hashlib.sha256(program.path.read_bytes()).hexdigest()[:12]


def measured(program: Program, budget: float, commit: str) -> dict[str, Any]:
    """One program's report, as short as the table needs it."""
    started = time.perf_counter()
    record: dict[str, Any] = {
        "program": program.name, "digest": digest(program), "budget": budget, "commit": commit,
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    try:
        report = diagnose(program, budget)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        return {**record, "failed": str(error)[-300:]}
    result = score(program, report)
    return {
        **record,
        "seconds": round(time.perf_counter() - started, 1),
        "experiments": round(result.seconds, 1),
        "first": result.first,
        "first_three": result.first_three,
        "line": result.line,
        "alarms": list(result.alarms),
        "reasons": {row: report["reasons"][row]["status"] for row in LAB},
    }


def stored(path: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """The last result of each program."""
    if not path.is_file():
        return {}
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {record["program"]: record for record in records}


def verdict(program: Program, result: dict[str, Any] | None) -> str:
    """What was said of a program, and where the row stands in its report."""
    if result is None:
        return "not run"
    if "failed" in result:
        return "no report"
    expected = program.expected or {}
    status = ""
    if program.expected:
        status = f" (row: {result['reasons'][expected['reason']].replace('-', ' ')})"
        if result["first"]:
            named = result["alarms"][0].split()[1]
            return "right first" + (f", as {named}" if named != expected["reason"] else "") + status
        if result["first_three"]:
            return "in the first three" + status
        return f"missed: {result['alarms'][0] if result['alarms'] else 'nothing said'}{status}"
    return "alarm: " + ", ".join(result["alarms"]) if result["alarms"] else "silent"


def page(chosen_pairs: dict[tuple[str, str], list[Program]], every: dict[tuple[str, str], list[Program]]) -> str:
    known = stored()
    every_one = to_run(chosen_pairs)
    results = {item.name: known[item.name] for item in every_one if known.get(item.name, {}).get("digest") == digest(item)}
    here = [item for item in every_one if item.name in results]
    lines = [HEAD, _conditions([results[item.name] for item in here]), "", _summary(chosen_pairs, every, results), ""]
    lines += ["## What the rows said of programs of several kinds", "", TALLY, "", _kinds(here, results), ""]
    lines += ["## The pairs", "", *_pairs(chosen_pairs, results)]
    return "\n".join(lines) + "\n"


HEAD = """# The rows of the lab

Written by `python -m benchmarks.accuracy.lab_rows --output docs/lab-rows.md`. These are the rows for which paramedic
experiments on copies of the program. Of the pairs of each row and severity, up to two run, chosen by the hash of their names
and of different kinds where there are; the severity was written down with the program. "Right first" allows the rows that
`expect.json` names beside the expected one. The programs and the checks are by the same hands, apart from those of the "fresh"
sets: how often paramedic is right on programs by others is in [accuracy](accuracy.md). After a change of a check, the programs
that it concerns run again, and no others.
"""

TALLY = """Every report says something of every row. Counted over all programs that ran, faulty and fixed: found, passed, not
applicable, not checked. "Found" counts also where another row is the cause, and notes. A kind is the network and what it is
trained for, by the names in the source."""


def _conditions(records: list[dict[str, Any]]) -> str:
    if not records:
        return "Nothing was run."
    commits = Counter(record["commit"] for record in records)
    dates = sorted(record["date"] for record in records)
    budgets = sorted({record["budget"] for record in records})
    loads = sorted(record["load"] for record in records)
    at = ", ".join(f"{count} at {commit}" for commit, count in commits.most_common())
    seconds = sorted(record["seconds"] for record in records if "seconds" in record)
    return (
        f"{len(records)} programs, {dates[0]} to {dates[-1]} (UTC), budget {', '.join(f'{item:g}' for item in budgets)} s; "
        f"{at}. "
        f"Two cores, at most two programs at once beside other work: load {loads[0]:g} to {loads[-1]:g}. A program with its "
        f"diagnosis took {seconds[len(seconds) // 2] if seconds else 0:.0f} s (median) to {max(seconds, default=0):.0f} s."
    )


def _summary(
    chosen_pairs: dict[tuple[str, str], list[Program]],
    every: dict[tuple[str, str], list[Program]],
    results: dict[str, dict[str, Any]],
) -> str:
    """Per row and severity: how many of the faulty programs that ran were right first, and how many there are."""
    lines = ["| row | | severe | moderate | mild | fixed and silent |", "|---|---|---|---|---|---|"]
    for row in LAB:
        cells = []
        twins = [twin_of(item) for severity in SEVERITIES for item in chosen_pairs[row, severity]]
        ran = [results[item.name] for item in twins if item.name in results]
        for severity in SEVERITIES:
            mine = [results[item.name] for item in chosen_pairs[row, severity] if item.name in results]
            there = len(every[row, severity])
            if not mine:
                cells.append(f"not run, of {there}" if there else "no pair")
                continue
            right = sum(record.get("first", False) for record in mine)
            three = sum(record.get("first_three", False) for record in mine) - right
            cells.append(f"{right}/{len(mine)}" + (f", {three} in the first three" if three else "") + f" (of {there})")
        silent = sum(record.get("alarms") == [] for record in ran)
        lines.append(f"| {row} | {ROW_BY_ID[row].title} | {' | '.join(cells)} | {silent}/{len(ran)} |")
    bad = [results[item.name] for mine in chosen_pairs.values() for item in mine if item.name in results]
    good = [results[twin_of(item).name] for mine in chosen_pairs.values() for item in mine if twin_of(item).name in results]
    sums = [sum(record.get(key, False) for record in bad) for key in ("first", "first_three")]
    silent = sum(record.get("alarms") == [] for record in good)
    text = f"Right first {sums[0]} of {len(bad)} faulty programs, in the first three {sums[1]}; "
    text += f"silent {silent} of {len(good)} fixed ones."
    return "\n".join([text, "", "Right first / run (of so many pairs that there are):", "", *lines])


def _kinds(here: list[Program], results: dict[str, dict[str, Any]]) -> str:
    kinds = Counter(kind(item) for item in here)
    lines = [f"| row | {' | '.join(f'{title} ({count})' for title, count in kinds.most_common())} |"]
    lines.append("|---" * (1 + len(kinds)) + "|")
    for row in LAB:
        cells = []
        for title, _ in kinds.most_common():
            mine = [results[item.name] for item in here if kind(item) == title]
            counts = Counter(record["reasons"][row] for record in mine if "reasons" in record)
            cells.append(" · ".join(str(counts[status]) for status in STATUSES))
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join([f"In this order: {' · '.join(item.replace('-', ' ') for item in STATUSES)}.", "", *lines])


def _pairs(chosen_pairs: dict[tuple[str, str], list[Program]], results: dict[str, dict[str, Any]]) -> Iterator[str]:
    yield "| row | severity | program | kind | faulty / fixed result | faulty: said | fixed: said |"
    yield "|---" * 7 + "|"
    for (row, severity), mine in chosen_pairs.items():
        for item in mine:
            assert item.expected is not None
            known = " (a known miss)" if item.name in KNOWN_MISSES else ""
            metric = f"{item.expected.get('metric', '')}: {item.expected['faulty_result']} / {item.expected['fixed_result']}"
            said, silent = verdict(item, results.get(item.name)), verdict(twin_of(item), results.get(twin_of(item).name))
            yield f"| {row} | {severity} | {item.name} | {kind(item)} | {metric.replace('|', '')} | {said}{known} | {silent} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[], help="rows, faults or parts of names")
    parser.add_argument("--again", nargs="*", default=[], help="parts of the names of programs that run anew")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--no-runs", action="store_true", help="write the page of what is there")
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    every = pairs(programs())
    chosen_pairs = {place: selected(mine) for place, mine in every.items()}
    if not options.no_runs:
        _run([item for item in to_run(chosen_pairs) if chosen(item, options.only)], options)
    text = page(chosen_pairs, every)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    else:
        print(text)


def _run(wanted: list[Program], options: argparse.Namespace) -> None:
    known = stored()
    missing = [
        item for item in wanted
        if (result := known.get(item.name)) is None or result["digest"] != digest(item) or result["budget"] != options.budget
        or any(text in item.name for text in options.again)
    ]  # fmt: skip
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(options.jobs) as pool, RESULTS.open("a", encoding="utf-8") as file:
        for done in as_completed([pool.submit(measured, item, options.budget, commit) for item in missing]):
            record = done.result()
            file.write(json.dumps(record) + "\n")
            file.flush()
            print(record["program"], record.get("alarms", record.get("failed")), record.get("seconds"), flush=True)


if __name__ == "__main__":
    main()
