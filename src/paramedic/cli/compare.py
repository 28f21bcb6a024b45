"""``paramedic compare``: two stored runs side by side: what was measured, and what they were made of."""

from __future__ import annotations

import difflib
import json
import math
from pathlib import Path
from statistics import median
from typing import Any

import click

from paramedic.cli.completion import runs
from paramedic.config import ConfigError, load

MAX_CODE_LINES = 40
LAST_SHARE = 0.1  # the "final" loss is the median of the last tenth of the steps: one batch is too noisy


@click.command()
@click.argument("first", shell_complete=runs)
@click.argument("second", shell_complete=runs)
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option(
    "--dir", "dir_", type=click.Path(path_type=Path), help="Where the run folders are [.paramedic]."
)
def command(first: str, second: str, format_: str, dir_: Path | None) -> None:
    """Compare two runs: losses, verdict, findings gone and new, settings, data, and the lines of code that changed."""
    from paramedic.cli import folders

    try:
        base = dir_ or load(Path.cwd()).dir
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    runs = [folders.open_run(folders.find(name, base)) for name in (first, second)]
    result = comparison(*runs)
    if format_ == "json":
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo(_text(result))


def comparison(first: Any, second: Any) -> dict[str, Any]:
    """Facts of both runs, the first step at which their losses differ, and the rows whose status differs."""
    facts = [_facts(run) for run in (first, second)]
    losses = [{row.step: row.loss for row in run.trace.steps()} for run in (first, second)]
    common = sorted(set(losses[0]) & set(losses[1]))
    differs = next((step for step in common if not _same(losses[0][step], losses[1][step])), None)
    rows = {}
    if first.report is not None and second.report is not None:
        for row, status in first.report.reasons.items():
            other = second.report.reasons[row].status
            if status.status != other:
                rows[row] = [status.status, other]
    return {
        "runs": [first.folder.name, second.folder.name],
        "facts": {key: [facts[0][key], facts[1][key]] for key in facts[0]},
        "common_steps": len(common),
        "losses_differ_from_step": differs,
        "rows": rows,
        **_findings(first.report, second.report),
        **_made_of(first, second),
    }


def _findings(first: Any, second: Any) -> dict[str, list[str]]:
    """The alarms that only one of the two runs has: "gone" and "new"."""
    if first is None or second is None:
        return {"gone": [], "new": []}
    lines = [
        {f"{item.reason} {item.check}": item for item in report.findings if item.level != "note"}
        for report in (first, second)
    ]
    return {
        "gone": [_line(item) for name, item in lines[0].items() if name not in lines[1]],
        "new": [_line(item) for name, item in lines[1].items() if name not in lines[0]],
    }


def _line(finding: Any) -> str:
    from paramedic.report.context import claim, place_text

    place = place_text(finding)
    return f"{finding.reason} {finding.check}: {claim(finding)}" + (f" ({place})" if place else "")


def _made_of(first: Any, second: Any) -> dict[str, Any]:
    """Settings, versions, fingerprints of the data that differ, and the program's lines that changed."""
    from paramedic.report.escape import clean, clean_lines

    one, other = (run.trace.meta("exhibits") or {} for run in (first, second))
    changed: dict[str, dict[str, list[Any]]] = {}
    for part in ("settings", "environment", "fingerprints"):
        left, right = one.get(part) or {}, other.get(part) or {}
        changed[part] = {
            clean(key, 120): [left.get(key), right.get(key)]
            for key in (*left, *(key for key in right if key not in left))
            if left.get(key) != right.get(key)
        }
    before, after = one.get("sources") or {}, other.get("sources") or {}
    code = [
        line
        for name in (*before, *(name for name in after if name not in before))
        for line in difflib.unified_diff(
            before.get(name, "").splitlines(), after.get(name, "").splitlines(), f"A/{name}", f"B/{name}", "", "", 1, ""
        )
    ]
    return {**changed, "code": [clean_lines(line) for line in code]}


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _facts(run: Any) -> dict[str, Any]:
    from paramedic.cli.runs import _verdict
    from paramedic.report.escape import clean

    steps = run.trace.steps()
    finite = [row.loss for row in steps if math.isfinite(row.loss)]
    last = finite[-max(1, int(LAST_SHARE * len(finite))) :]
    norms = [
        row.gradient_norm
        for row in steps
        if row.gradient_norm is not None and math.isfinite(row.gradient_norm)
    ]
    times = [later.time - earlier.time for earlier, later in zip(steps, steps[1:], strict=False)]
    program = run.trace.meta("program") or {}
    return {
        "program": clean(" ".join(map(str, program.get("argv") or [])), 200),
        "steps": run.steps,
        "losses that are not finite": len(steps) - len(finite),
        "first loss": finite[0] if finite else None,
        "final loss (median of the last tenth)": median(last) if last else None,
        "lowest loss": min(finite, default=None),
        "last learning rate": steps[-1].lr if steps and math.isfinite(steps[-1].lr) else None,
        "median gradient norm": median(norms) if norms else None,
        "median seconds per step": median(times) if times else None,
        "verdict": _verdict(run.report),
    }


def _text(result: dict[str, Any]) -> str:
    from paramedic.report.escape import number

    def shown(value: Any) -> str:
        return "-" if value is None else number(value, 4)

    first, second = result["runs"]
    lines = [f"A: {first}", f"B: {second}", ""]
    for key, (one, other) in result["facts"].items():
        if key in ("program", "verdict"):
            lines += [f"{key}", f"  A: {one}", f"  B: {other}"]
        else:
            lines.append(f"{key:<40} {shown(one):>14} {shown(other):>14}")
    lines.append("")
    if not result["common_steps"]:
        lines.append("The runs have no step in common.")
    elif result["losses_differ_from_step"] is None:
        lines.append(f"The losses of all {result['common_steps']} common steps are the same, bit for bit.")
    else:
        lines.append(f"The losses differ from step {result['losses_differ_from_step']} on.")
    lines += [f"{row}: {one} -> {other}" for row, (one, other) in result["rows"].items()]
    for key, title in (("gone", "Found in A only"), ("new", "Found in B only")):
        lines += ["", title, *(f"  {item}" for item in result[key])] if result[key] else []
    for key, title in (("settings", "Settings"), ("environment", "Environment"), ("fingerprints", "Data")):
        if result[key]:
            lines += ["", f"{title} that differ"]
            lines += [f"  {name}: {shown(one)} -> {shown(other)}" for name, (one, other) in result[key].items()]
    if result["code"]:
        lines += ["", "Code", *(f"  {line}" for line in result["code"][:MAX_CODE_LINES])]
        more = len(result["code"]) - MAX_CODE_LINES
        lines += [f"  ... {more} more lines with --format json"] if more > 0 else []
    lines.append("")
    lines.append(
        "One run each: a difference can be the seed's. Change one thing, and repeat with other seeds."
    )
    return "\n".join(lines)
