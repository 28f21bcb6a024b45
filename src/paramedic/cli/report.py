"""``paramedic report``: print a stored run's report."""

from __future__ import annotations

from pathlib import Path

import click

from paramedic.cli.completion import runs
from paramedic.config import FAIL_ON, ConfigError, load
from paramedic.report.formats import FORMATS


@click.command()
@click.argument("run", required=False, shell_complete=runs)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--output", type=click.Path(path_type=Path), help="Write it here instead of printing it.")
@click.option("--fail-on", type=click.Choice(FAIL_ON), help="Exit code 1 from this level on [fault].")
@click.option(
    "--dir", "dir_", type=click.Path(path_type=Path), help="Where the run folders are [.paramedic]."
)
def command(
    run: str | None, format_: str, output: Path | None, fail_on: str | None, dir_: Path | None
) -> int:
    """Print the report of a run (a folder, or part of its name; the latest if none is named)."""
    from paramedic.cli import folders, unexamined
    from paramedic.cli.output import show, write_html

    try:
        config = load(Path.cwd())
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    stored = folders.open_run(folders.find(run, dir_ or config.dir))
    report = stored.report
    if report is None:
        ended = unexamined.how_it_ended(stored, None)
        report = unexamined.report_of(stored, ended)
    if not (stored.folder / folders.HTML).exists() or stored.report is None:
        write_html(stored, report)
    show(stored, report, format_, output, fail_on or config.fail_on)
    return report.exit_code(fail_on or config.fail_on)
