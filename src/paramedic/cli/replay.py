"""``paramedic replay``: repeats one experiment of a stored run, or lists them."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from paramedic.cli.completion import runs
from paramedic.config import ConfigError, load, nearest


@click.command()
@click.argument("run", shell_complete=runs)
@click.argument("experiment", required=False)
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@click.option(
    "--dir", "dir_", type=click.Path(path_type=Path), help="Where the run folders are [.paramedic]."
)
def command(run: str, experiment: str | None, format_: str, dir_: Path | None) -> int:
    """Repeat an EXPERIMENT of a RUN; without one, list those that were made.

    The program runs again, for as many steps as were recorded, and with it the two replays that the experiment
    compares: same batches and random numbers, one thing changed, three seeds.
    """
    from paramedic.cli import folders

    try:
        base = dir_ or load(Path.cwd()).dir
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    stored = folders.open_run(folders.find(run, base))
    known = {str(item.get("name")): item for item in stored.trace.meta("experiments") or ()}
    if experiment is None:
        if format_ == "json":
            _print({"run": stored.folder.name, "experiments": list(known.values())})
        else:
            _list(known, stored.folder.name)
        return 0
    if experiment not in known:
        raise click.UsageError(f'no experiment of this run is called "{experiment}"{nearest(experiment, list(known))}')
    _check_program(stored.info)
    result = _repeat(stored.info, known[experiment])
    if format_ == "json":
        _print({"run": stored.folder.name, "now": result, "then": known[experiment], "same": _same(result, known[experiment])})
    else:
        _show(result, known[experiment])
    return 0


def _print(document: dict[str, Any]) -> None:
    click.echo(json.dumps(document, indent=2, default=str))


def _list(known: dict[str, dict[str, Any]], run: str) -> None:
    from paramedic.report.escape import clean

    if not known:
        click.echo(f"No experiment was made in {run}: the run learned, there was no budget, or it could not be replayed.")
        return
    for name, item in known.items():
        click.echo(f"{clean(name, 200)}\n    {clean(str(item.get('changes')), 200)}: {_numbers(item)}")


def _numbers(item: dict[str, Any]) -> str:
    from paramedic.checks.finding import percent_learned

    low, high = item["interval"]
    repeated = item["seeds"] > 1
    made = f"({item['seeds']} seed{'s' if repeated else ''}, {item['steps']} steps)"
    if item["unit"] != "u":
        interval = f", 95 % interval of the difference {low} to {high}" if repeated else ""
        return f"{item['unit']} {item['before']} -> {item['after']}{interval} {made}"
    interval = f", 95 % interval of the gain {-100 * high:.0f} to {-100 * low:.0f} points" if repeated else ""
    before, after = (percent_learned(float(item[key])) for key in ("before", "after"))
    return f"learned {before} -> {after} of the way from chance to perfect{interval} {made}"


def _check_program(info: dict[str, Any]) -> None:
    """UsageError in one line if the program is not there any more, or not the one that was observed."""
    from paramedic.cli.preflight import check_script, digest

    folder = str(info.get("cwd", ""))
    if not os.path.isdir(folder):
        raise click.UsageError(f"the run's working directory is gone: {folder or 'not recorded'}")
    os.chdir(folder)
    if not info.get("script"):
        return
    check_script(str(info["script"]))
    recorded = info.get("sha256")
    if recorded is not None and digest(Path(str(info["script"]))) != recorded:
        raise click.UsageError(f"{info['script']} has changed since that run: use `paramedic run` on it again")


def _repeat(info: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    from paramedic.cli.process import run_child
    from paramedic.trace.store import Trace

    with tempfile.TemporaryDirectory() as folder:
        spec = {key: value for key, value in info.items() if key not in ("ignored", "sha256")}
        made = {key: known[key] for key in ("name", "steps", "thin", "probes", "ended", "seeds") if key in known}
        # one that begins where the program ends needs the whole run
        steps = info.get("steps") if known["recorded"] is None else known["recorded"]
        spec |= {"folder": folder, "steps": steps, "replay": made}
        returncode = run_child(spec, sys.stderr)
        path = Path(folder) / "trace.sqlite"
        result = Trace(path).meta("replay") if path.is_file() else None
    if result is None:
        raise click.ClickException(f"the program could not be run again (exit code {returncode})")
    if "problem" in result:
        raise click.ClickException(f"the experiment could not be repeated: {result['problem']}")
    return dict(result)


def _same(result: dict[str, Any], known: dict[str, Any]) -> bool:
    """Whether the experiment gave what it gave: it does, unless the program draws other random numbers in every run."""
    return abs(float(result["after"]) - float(known["after"])) <= 0.01


def _show(result: dict[str, Any], known: dict[str, Any]) -> None:
    click.echo(f"{result['name']}: {result['changes']}")
    if result["base"]:
        click.echo(f"{'step':>8} {'loss, base':>14} {'loss, changed':>14}   (first seed)")
    changed = dict(map(tuple, result["variant"]))
    steps = sorted({*dict(map(tuple, result["base"])), *changed})
    own = dict(map(tuple, result["base"]))
    for step in steps:
        click.echo(f"{step:>8} {_cell(own.get(step)):>14} {_cell(changed.get(step)):>14}")
    click.echo(f"now      {_numbers(result)}")
    click.echo(f"then     {_numbers(known)}")
    if not _same(result, known):
        click.echo("The numbers differ: the program does not draw the same random numbers in every run.")


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.5g}" if isinstance(value, float) else str(value)
