"""Where a report goes: a file or standard output, and report.html into the run folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from paramedic.cli.folders import HTML, Run
from paramedic.integrations.loggers import Target
from paramedic.report.formats import render
from paramedic.report.model import Report

MAX_WIDTH, PIPE_WIDTH, MIN_WIDTH = 120, 80, 40
ON_TERMINAL_TOO = ("text", "github")  # formats that may stand among the program's own output


def width() -> int:
    """Those of the terminal, up to what can be read with ease."""
    return max(MIN_WIDTH, min(MAX_WIDTH, shutil.get_terminal_size((PIPE_WIDTH, 24)).columns))


def colored() -> bool:
    """At a terminal, unless NO_COLOR asks otherwise (https://no-color.org)."""
    import os

    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write_html(run: Run, report: Report) -> None:
    """report.html in the run folder; a full disk costs the file, not the report."""
    try:
        text = render(report, "html", run.context())
        (run.folder / HTML).write_text(text, encoding="utf-8")
    except OSError as error:
        click.echo(f"paramedic: report.html could not be written ({error.strerror})", err=True)


def log_to(run: Run, report: Report, targets: Sequence[Target] = ()) -> None:
    """To the loggers that were asked for, and to those on this machine that the program itself used.

    A problem is a line on stderr, and changes nothing else.
    """
    from paramedic.integrations.loggers import LoggerError, record_of, write

    used = [Target(str(item["kind"]), str(item["where"]), item["options"]) for item in run.trace.meta("loggers") or ()]
    own = {target.kind for target in targets}
    for target in used:
        if target.kind not in own and target.options.get("online"):
            click.echo(f"paramedic: nothing was sent over the network; --to {target.kind}:DIR writes the findings", err=True)
    local = [target for target in used if target.kind not in own and not target.options.get("online")]
    if not (targets or local):
        return
    record = record_of(report, run.context(), run.folder.name)
    for target in (*targets, *local):
        try:
            click.echo(f"paramedic: written for {write(record, target)}", err=True)
        except LoggerError as error:
            click.echo(f"paramedic: nothing could be written to {target} ({error})", err=True)


def show(run: Run, report: Report, format: str, output: Path | None, fail_on: str = "fault") -> None:
    """Print the report, or write it to ``output``. ``html`` without a file names report.html of the run."""
    if output is None and format == "html":
        click.echo(str(run.context().run / HTML))  # type: ignore[operator]
        return
    at_terminal = output is None and format == "text"
    context = run.context(
        fail_on=fail_on,
        color=at_terminal and colored(),
        width=width() if at_terminal and sys.stdout.isatty() else PIPE_WIDTH,
    )
    text = render(report, format, context)
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.UsageError(f"cannot write {output}: {error.strerror}") from error
