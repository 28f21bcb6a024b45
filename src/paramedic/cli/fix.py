"""``paramedic fix``: remedies as patches, tried on a copy, and written on request."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from paramedic.config import ConfigError, load, nearest

if TYPE_CHECKING:
    from paramedic.checks.finding import Finding
    from paramedic.cli.folders import Run
    from paramedic.cli.verification import End, Verification

BEFORE = "before-fix"  # folder in the run folder that keeps files as they were
CURVE_POINTS = 8


@click.command()
@click.argument("run", required=False)
@click.option("--check", help="Only the patch of this check [the first finding that has one].")
@click.option("--verify", is_flag=True, help="Run the original and the patched program, each in a copy, and compare.")
@click.option("--apply", "apply_", is_flag=True, help="Write the patch to your file.")
@click.option("--force", is_flag=True, help="With --apply: also into a file with uncommitted changes.")
@click.option("--budget", type=click.FloatRange(0), default=20.0, help="Seconds of experiments for --verify [20].")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option(
    "--dir", "dir_", type=click.Path(path_type=Path), help="Where the run folders are [.paramedic]."
)
def command(
    run: str | None, check: str | None, verify: bool, apply_: bool, force: bool, budget: float, format_: str,
    dir_: Path | None,
) -> int:
    """Show the patches for what was found in a run (the latest if none is named).

    A patch is shown for remedies that are a sure change of your code; others stay words. Exit code: 0 if there is a
    patch (with --verify: one that helps), 1 if not, 2 usage error.
    """
    from paramedic.cli import folders

    try:
        base = dir_ or load(Path.cwd()).dir
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    stored = folders.open_run(folders.find(run, base))
    if stored.report is None:
        raise click.UsageError("this run was not examined: there is nothing to fix")
    patched = _patched(stored, check)
    results: list[dict[str, Any]] = []
    code = 0 if patched else 1
    for finding in patched if not (verify or apply_) else patched[:1]:
        outcome = None
        if verify:
            outcome = _verified(stored, finding, budget)
            code = 0 if outcome.helped else 1
        written = None
        if apply_ and (outcome is None or outcome.helped):
            written = _write(stored, finding, force)
        results.append(_as_json(finding, outcome, written))
        if format_ == "text":
            _show(finding, outcome, written)
    if format_ == "json":
        click.echo(json.dumps({"run": stored.folder.name, "patches": results}, indent=2, default=str))
    elif not patched:
        _show_none(stored)
    elif not (verify or apply_):
        for one, other in _conflicts(patched):
            click.echo(f"The patches of {one.check} and {other.check} change the same lines: write one, then run again.")
        click.echo("Try it on a copy: paramedic fix --verify. Write it: paramedic fix --apply.")
    return code


def _patched(stored: Run, check: str | None) -> list[Finding]:
    assert stored.report is not None
    found = [item for item in stored.report.findings if item.remedy is not None and item.remedy.patch]
    if check is None:
        return found
    mine = [item for item in found if item.check == check]
    if not mine:
        names = [item.check for item in stored.report.findings]
        raise click.UsageError(f'no patch of a check called "{check}" in this run{nearest(check, names)}')
    return mine


def _conflicts(patched: list[Finding]) -> list[tuple[Finding, Finding]]:
    """Pairs of findings whose patches change the same line of a file."""
    from paramedic.remedies.patching import changed_lines, file_of

    places = [
        {(file_of(item.remedy.patch), line) for line in changed_lines(item.remedy.patch)}
        for item in patched if item.remedy is not None and item.remedy.patch is not None
    ]
    pairs = [(k, j) for k in range(len(places)) for j in range(k + 1, len(places))]
    return [(patched[k], patched[j]) for k, j in pairs if places[k] & places[j]]


def _verified(stored: Run, finding: Finding, budget: float) -> Verification:
    """Try the patch; a patch that does not help is withdrawn from the stored report."""
    from paramedic.cli.output import write_html
    from paramedic.cli.verification import verify
    from paramedic.trace.store import replace_meta

    outcome = verify(finding, stored.info, budget)
    assert stored.report is not None and finding.remedy is not None
    remedy = replace(finding.remedy, verified=outcome.to_json())
    if not outcome.helped:
        remedy = replace(remedy, patch=None)
    findings = tuple(
        replace(item, remedy=remedy) if item is finding else item for item in stored.report.findings
    )
    report = replace(stored.report, findings=findings)
    stored.trace.close()
    replace_meta(stored.trace.path, "report", report.to_json())
    from paramedic.cli import folders

    write_html(folders.open_run(stored.folder), report)
    return outcome


def _write(stored: Run, finding: Finding, force: bool) -> str:
    """Apply the patch to the user's file; the file as it was is kept in the run folder."""
    from paramedic.cli.verification import patched_file, write_patched
    from paramedic.remedies.patching import file_of

    assert finding.remedy is not None and finding.remedy.patch is not None
    root = Path(str(stored.info.get("cwd", ".")))
    path = patched_file(finding.remedy.patch, root)
    state = git_state(path)
    if state == "changed" and not force:
        raise click.UsageError(f"{path} has uncommitted changes: commit them, or use --force")
    try:
        before = path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error
    write_patched(finding.remedy.patch, root)
    kept = stored.folder / BEFORE / file_of(finding.remedy.patch)
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():  # as it was before the first patch
        kept.write_bytes(before)
    return f"{path} is written; as it was: {kept}"


def git_state(path: Path) -> str:
    """"clean", "changed" (also: not tracked), or "none" where no git looks after the file."""
    try:
        done = subprocess.run(
            ["git", "status", "--porcelain", "--ignored", "--", path.name],
            cwd=path.parent, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return "none"
    if done.returncode != 0:
        return "none"
    return "changed" if done.stdout.strip() else "clean"


def _as_json(finding: Finding, outcome: Verification | None, written: str | None) -> dict[str, Any]:
    assert finding.remedy is not None
    return {
        "reason": finding.reason,
        "check": finding.check,
        "remedy": finding.remedy.summary,
        "patch": finding.remedy.patch,
        "verified": outcome.in_full() if outcome is not None else finding.remedy.verified,
        "written": written,
    }


def _show(finding: Finding, outcome: Verification | None, written: str | None) -> None:
    from paramedic.report.context import place_text
    from paramedic.report.escape import clean, clean_lines

    assert finding.remedy is not None
    click.echo(f"{finding.reason} {clean(finding.check, 120)} ({finding.level})  {place_text(finding)}")
    click.echo(f"{clean(finding.remedy.summary, 600)}\n")
    click.echo(clean_lines(finding.remedy.patch or "").rstrip("\n") + "\n")
    if outcome is not None:
        _show_outcome(outcome)
    elif finding.remedy.verified is not None:
        click.echo(f"Verified before: {clean(str(finding.remedy.verified.get('why')), 200)}\n")
    if written is not None:
        click.echo(clean(written, 600))


def _show_outcome(outcome: Verification) -> None:
    from paramedic.checks.finding import percent_learned
    from paramedic.cli.verification import OBSERVED, spoken
    from paramedic.report.escape import clean

    before, after = outcome.original, outcome.patched
    click.echo(f"{'':<30} {'original':>14} {'patched':>14}")
    for name in OBSERVED:
        if name in before.reached and name in after.reached:
            values = (end.reached[name]["value"] for end in (before, after))
            shown = (percent_learned(float(value)) for value in values) if name.endswith(" u") else values
            _show_row(f"{spoken(name)} (measured)", *shown)
    for name in before.printed:
        if name in after.printed:
            _show_row(clean(name, 30), before.printed[name][-1], after.printed[name][-1])
    for label, end in (("original", before), ("patched", after)):
        if outcome.printed is not None:
            click.echo(f"{outcome.printed}, {label}: {_curve(end.printed[outcome.printed])}")
        click.echo(f"loss, {label}: {_curve(end.losses)} ({_took(end)})")
    if not outcome.same_loss:
        click.echo("The two losses are not on one scale, and are not compared.")
    word = "The patch helps" if outcome.helped else "The patch does not help, and is withdrawn"
    click.echo(f"{word}: {clean(outcome.why, 200)}.\n")


def _show_row(name: str, before: float | str, after: float | str) -> None:
    from paramedic.report.escape import number

    click.echo(f"{name:<30} {number(before, 4):>14} {number(after, 4):>14}")


def _curve(values: list[float]) -> str:
    """A few values on the way from the first to the last."""
    from paramedic.report.escape import number

    if not values:
        return "none"
    count = min(CURVE_POINTS, len(values))
    picked = [values[round(k * (len(values) - 1) / max(1, count - 1))] for k in range(count)]
    return " ".join(number(value, 3) for value in picked)


def _took(end: End) -> str:
    return f"{len(end.losses)} steps, {end.seconds:.1f} s, exit code {end.exit_code}"


def _show_none(stored: Run) -> None:
    from paramedic.report.escape import clean

    assert stored.report is not None
    verdict = stored.report.verdict
    if verdict is None:
        click.echo("Nothing was found in this run: there is nothing to fix.")
    elif verdict.remedy is None:
        click.echo(f"No patch: {verdict.reason} {clean(verdict.check, 120)} has no remedy that is a change of one file.")
    else:
        from paramedic.remedies.unpatched import UNPATCHED

        withdrawn = verdict.remedy.verified is not None and not verdict.remedy.verified.get("helped")
        why = f" ({UNPATCHED[verdict.check]})" if verdict.check in UNPATCHED else ""
        why = " (a patch was tried, did not help, and is withdrawn)" if withdrawn else why
        click.echo(
            f"No sure patch for {verdict.reason} {clean(verdict.check, 120)}{why}. By hand: "
            f"{clean(verdict.remedy.summary, 600)}"
        )
