"""``paramedic runs``: the stored runs of this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from paramedic.config import ConfigError, load


@click.command()
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option(
    "--dir", "dir_", type=click.Path(path_type=Path), help="Where the run folders are [.paramedic]."
)
def command(format_: str, dir_: Path | None) -> None:
    """List the stored runs, the latest last."""
    from paramedic.cli import folders

    try:
        base = dir_ or load(Path.cwd()).dir
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    entries = [_entry(folder) for folder in folders.listed(base)]
    if format_ == "json":
        click.echo(json.dumps(entries, indent=2))
    elif not entries:
        click.echo(f"No runs in {base}. Make one with `paramedic run train.py`.")
    else:
        for entry in entries:
            click.echo(f"{entry['run']:<44} {entry['steps']:>7} steps  {entry['verdict']}")


def _entry(folder: Path) -> dict[str, Any]:
    from paramedic.cli.folders import open_run
    from paramedic.report.escape import clean

    try:
        run = open_run(folder)
    except click.UsageError as error:
        return {
            "run": folder.name,
            "steps": 0,
            "verdict": f"unreadable: {clean(error.message, 200)}",
            "ended": None,
        }
    ended = run.trace.meta("ended")
    kind = str(ended.get("kind")) if isinstance(ended, dict) else None
    return {"run": folder.name, "steps": run.steps, "verdict": _verdict(run.report), "ended": kind}


def _verdict(report: Any) -> str:
    from paramedic.report.context import ended_badly
    from paramedic.report.escape import clean

    if report is None:
        return "not examined (killed, failed, or still running)"
    if report.verdict is not None:
        return f"{report.verdict.level}: {report.verdict.reason} {clean(report.verdict.check, 120)}"
    return clean(ended_badly(report), 120) or "nothing found"
