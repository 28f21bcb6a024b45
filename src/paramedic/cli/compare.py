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
MAX_PLACES = 4  # named in the summary
RENAMED = 0.5  # of the lines are the same in a file that has another name in the other run
ALIKE = 0.05  # relative; two seeds of one program end further apart than this as a rule
FINAL = "final loss (median of the last tenth)"
LAST_SHARE = 0.1  # the "final" loss is the median of the last tenth of the steps: one batch is too noisy


@click.command()
@click.argument("first", shell_complete=runs)
@click.argument("second", shell_complete=runs)
@click.option("--format", "format_", type=click.Choice(("text", "json", "html")), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Where the page is written [comparison.html of B].")
@click.option(
    "--dir", "dir_", type=click.Path(path_type=Path), help="Where the run folders are [.paramedic]."
)
def command(first: str, second: str, format_: str, output: Path | None, dir_: Path | None) -> None:
    """Compare two runs: losses, verdict, findings gone and new, settings, data, and the lines of code that changed."""
    from paramedic.cli import folders
    from paramedic.report.comparison import render

    try:
        base = dir_ or load(Path.cwd()).dir
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    runs = [folders.open_run(folders.find(name, base)) for name in (first, second)]
    result = comparison(*runs)
    if format_ == "html":
        path = output or runs[1].folder / "comparison.html"
        try:
            path.write_text(render(result, [run.trace for run in runs]), encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"cannot write {path}: {error.strerror}") from error
        click.echo(str(path))
    elif format_ == "json":
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo(_text(result))


def comparison(first: Any, second: Any) -> dict[str, Any]:
    """Facts of both runs, the first step at which their losses differ, and the rows whose status differs."""
    facts = [_facts(run) for run in (first, second)]
    losses = [{row.step: row.loss for row in run.trace.steps()} for run in (first, second)]
    common = sorted(set(losses[0]) & set(losses[1]))
    differs = next((step for step in common if not _same(losses[0][step], losses[1][step])), None)
    same_until = max((step for step in common if differs is not None and step < differs), default=None)
    rows = {}
    if first.report is not None and second.report is not None:
        for row, status in first.report.reasons.items():
            other = second.report.reasons[row].status
            if status.status != other:
                rows[row] = [status.status, other]
    made_of = _made_of(first, second)
    return {
        "runs": [first.folder.name, second.folder.name],
        "summary": _summary(facts, made_of, differs, same_until, len(common)),
        "facts": {key: [facts[0][key], facts[1][key]] for key in facts[0]},
        "common_steps": len(common),
        "losses_differ_from_step": differs,
        "rows": rows,
        **_findings(first.report, second.report),
        **made_of,
    }


def _summary(
    facts: list[dict[str, Any]], made_of: dict[str, Any], differs: int | None, same_until: int | None, common: int
) -> list[str]:
    """What somebody whose run worked yesterday asks first: is it worse, since when, and what is not the same.

    same_until: the last step before ``differs`` that both have; of long runs not every step is kept.
    """
    from paramedic.report.escape import number

    lines = []
    ends = [fact[FINAL] for fact in facts]
    if all(isinstance(end, float) for end in ends):
        change = ends[1] - ends[0]
        alike = abs(change) <= ALIKE * max(map(abs, ends))
        word = "ends about the same" if alike else "ends higher" if change > 0 else "ends lower"
        lines.append(f"The loss of B {word}: {number(ends[1])}, A's {number(ends[0])}.")
    elif ends[0] is not None or ends[1] is not None:
        lines.append("Only one of the two runs has losses that are finite.")
    if not common:
        lines.append("The runs have no step in common.")
    elif differs is None:
        lines.append(f"The losses of all {common} common steps are the same, bit for bit.")
    else:
        at = "from the first step on" if same_until is None else f"from step {differs} on, and are the same before it"
        if same_until is not None and same_until + 1 < differs:
            at = f"from a step between {same_until + 1} and {differs} on, and are the same before it"
        lines.append(f"The losses differ {at}.")
    places = made_of["places"]
    changed = [f"code ({_some(places)})"] if places else []
    names = {"settings": "settings", "fingerprints": "data", "environment": "environment"}
    for part, name in names.items():
        if made_of[part]:
            changed.append(f"{name} ({_some(list(made_of[part]))})")
    same = [name for part, name in names.items() if not made_of[part] and part in made_of["known"]]
    same += ["code"] if not places and "sources" in made_of["known"] else []
    lines.append(f"Not the same: {'; '.join(changed)}." if changed else "Nothing that is recorded of the two differs.")
    if same:
        lines.append(f"The same: {', '.join(same)}.")
    return lines


def _some(names: list[str]) -> str:
    return ", ".join([*names[:MAX_PLACES], *(["..."] if len(names) > MAX_PLACES else [])])


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
    before, after = _one_name(one.get("sources") or {}, other.get("sources") or {})
    code = [
        line
        for name in (*before, *(name for name in after if name not in before))
        for line in difflib.unified_diff(
            before.get(name, "").splitlines(), after.get(name, "").splitlines(), f"A/{name}", f"B/{name}", "", "", 1, ""
        )
    ]
    parts = ("settings", "environment", "fingerprints", "sources")
    return {
        **changed,
        "code": [clean_lines(line) for line in code],
        "places": _places(before, after),
        "known": [part for part in parts if one.get(part) and other.get(part)],
    }


def _one_name(before: dict[str, str], after: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The sources; a file that was renamed, or copied and changed, has its latest name in both."""
    gone, new = [name for name in before if name not in after], [name for name in after if name not in before]
    if len(gone) != 1 or len(new) != 1:
        return before, after
    alike = difflib.SequenceMatcher(None, before[gone[0]].splitlines(), after[new[0]].splitlines(), autojunk=False).ratio()
    if alike < RENAMED:
        return before, after
    return {new[0] if name == gone[0] else name: text for name, text in before.items()}, after


def _places(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The lines of B (of A, where lines are gone) at which the code differs, as "train.py:41"."""
    from paramedic.report.escape import clean

    found = []
    for name in (*before, *(name for name in after if name not in before)):
        left, right = before.get(name, "").splitlines(), after.get(name, "").splitlines()
        if name not in before or name not in after:
            found.append(f"{clean(name, 120)} only in {'A' if name in before else 'B'}")
            continue
        steps = difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes()
        found += [f"{clean(name, 120)}:{min(step[3], len(right) - 1) + 1}" for step in steps if step[0] != "equal"]
    return found


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _facts(run: Any) -> dict[str, Any]:
    from paramedic.cli.runs import _verdict
    from paramedic.report.escape import clean

    steps = run.trace.steps()
    finite = [row.loss for row in steps if math.isfinite(row.loss)]
    evenly = [row.loss for row in run.trace.evenly() if math.isfinite(row.loss)]
    last = evenly[-max(1, int(LAST_SHARE * len(evenly))) :]
    norms = [
        row.gradient_norm
        for row in steps
        if row.gradient_norm is not None and math.isfinite(row.gradient_norm)
    ]
    pairs = zip(steps, steps[1:], strict=False)
    times = [(later.time - earlier.time) / (later.step - earlier.step) for earlier, later in pairs if later.step > earlier.step]
    program = run.trace.meta("program") or {}
    return {
        "program": clean(" ".join(map(str, program.get("argv") or [])), 200),
        "steps": run.steps,
        "losses that are not finite": run.trace.not_finite(),
        "first loss": finite[0] if finite else None,
        FINAL: median(last) if last else None,
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
    lines = [f"A: {first}", f"B: {second}", "", *result["summary"]]
    for key, title in (("new", "Found in B only"), ("gone", "Found in A only")):
        lines += ["", title, *(f"  {item}" for item in result[key])] if result[key] else []
    for key, title in (("settings", "Settings"), ("fingerprints", "Data"), ("environment", "Environment")):
        if result[key]:
            lines += ["", f"{title} that differ"]
            lines += [f"  {name}: {shown(one)} -> {shown(other)}" for name, (one, other) in result[key].items()]
    if result["code"]:
        lines += ["", "Code", *(f"  {line}" for line in result["code"][:MAX_CODE_LINES])]
        more = len(result["code"]) - MAX_CODE_LINES
        lines += [f"  ... {more} more lines with --format json"] if more > 0 else []
    lines += ["", f"{'':<40} {'A':>14} {'B':>14}"]
    for key, (one, other) in result["facts"].items():
        if key not in ("program", "verdict"):
            lines.append(f"{key:<40} {shown(one):>14} {shown(other):>14}")
    for key in ("program", "verdict"):
        one, other = result["facts"][key]
        lines += [f"{key}", f"  A: {one}", f"  B: {other}"] if one != other else [f"{key}: {one}"]
    if result["rows"]:
        lines += ["", "Rows", *(f"  {row}: {one} -> {other}" for row, (one, other) in result["rows"].items())]
    lines += ["", "One run each: a difference can be the seed's. Change one thing, and repeat with other seeds."]
    lines.append("Both losses on one chart: paramedic compare A B --format html")
    return "\n".join(lines)
