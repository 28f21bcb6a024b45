"""``paramedic run``: observe a program, then examine it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from paramedic.capture.ranks import LAUNCHERS
from paramedic.cli import folders
from paramedic.cli.completion import checks, files
from paramedic.cli.preflight import check_module, check_script, digest
from paramedic.config import FAIL_ON, Config, ConfigError, Ignored, checked_selectors, load
from paramedic.integrations.loggers import LoggerError, Target, parse
from paramedic.report import known
from paramedic.report.formats import FORMATS
from paramedic.report.model import Report
from paramedic.trace.store import replace_meta

EXIT_UNEXAMINED = 2  # the program is well, but nobody looked at it: neither "nothing found" nor "found"


class ModuleEndsOptions(click.Command):
    """As with python itself, everything after ``-m MODULE`` belongs to the module."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        takes_value = {
            name
            for item in self.params
            if isinstance(item, click.Option) and not item.is_flag
            for name in item.opts
        }
        position = 0
        while position < len(args) and args[position].startswith("-") and args[position] != "--":
            if args[position] in ("-m", "--module"):
                args = [*args[: position + 2], "--", *args[position + 2 :]]
                break
            position += 2 if args[position] in takes_value else 1
        return super().parse_args(ctx, args)


def comma_separated(
    _ctx: click.Context, _parameter: click.Parameter, value: str | None
) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(part.strip() for part in value.split(",") if part.strip())


def targets(_ctx: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[Target, ...]:
    """``--to``: known and possible before the program starts."""
    try:
        return tuple(map(parse, values))
    except LoggerError as error:
        raise click.UsageError(f"--to: {error}") from error


@dataclass(frozen=True)
class Request:
    """What to run and how, with the configuration already merged in."""

    script: str | None
    module: str | None
    arguments: tuple[str, ...]
    config: Config
    steps: int | None = None
    experiments: bool = True
    format: str = "text"
    output: Path | None = None
    write_baseline: bool = False
    prune_baseline: bool = False
    live: bool = False
    fail_fast: bool = False
    to: tuple[Target, ...] = ()
    ray: str | None = None


@click.command(cls=ModuleEndsOptions, context_settings={"allow_interspersed_args": False})
@click.option("-m", "--module", metavar="MODULE", help="Run a module as `python -m` does.")
@click.option("--steps", type=click.IntRange(1), help="End the program after this many optimizer steps.")
@click.option("--budget", type=click.FloatRange(0), help="Seconds for experiments after the program [60].")
@click.option("--no-experiments", is_flag=True, help="Examine without trying anything on copies.")
@click.option(
    "--select", callback=comma_separated, shell_complete=checks, help="Only these rows or checks: R19,learning-rate-too-high"
)
@click.option("--ignore", callback=comma_separated, shell_complete=checks, help="Without these rows or checks.")
@click.option(
    "--overhead", type=click.FloatRange(0, 100), help="Percent of the program's time to observe it [1]."
)
@click.option("--format", "format_", type=click.Choice(FORMATS), help="Of the report [text].")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Write the format here; text is printed as well."
)
@click.option("--fail-fast", is_flag=True, help="End the program at the first fault that is certain.")
@click.option(
    "--to", multiple=True, callback=targets, metavar="KIND:DIR",
    help="Curves and findings also to tensorboard:DIR, wandb:DIR or mlflow:DIR_OR_URI.",
)  # fmt: skip
@click.option("--ray", metavar="ADDRESS", help="Make the experiments on a Ray cluster (host:6379, auto).")
@click.option("--live", is_flag=True, help="Show the run in a browser while it goes on.")
@click.option("--fail-on", type=click.Choice(FAIL_ON), help="Exit code 1 from this level on [fault].")
@click.option(
    "--dir", "dir_", type=click.Path(path_type=Path), help="Where run folders are made [.paramedic]."
)
@click.option("--baseline", type=click.Path(path_type=Path), help="Known findings [paramedic-baseline.json].")
@click.option("--write-baseline", is_flag=True, help="Make all that is found known.")
@click.option("--prune-baseline", is_flag=True, help="Drop known findings that no longer occur.")
@click.argument("program", nargs=-1, shell_complete=files, type=click.UNPROCESSED, metavar="SCRIPT [ARGUMENTS]...")
def command(program: tuple[str, ...], **options: Any) -> int:
    """Observe a training program, then find out why it does not work.

    Options come before the script; everything after it belongs to the script. With a format other than text
    or github and no --output, the program's own output goes to standard error.

    Exit code: 0 nothing found, 1 findings or a crash of the program, 2 usage or internal error.
    """
    return run(request(program, **options))


def request(
    program: tuple[str, ...],
    *,
    module: str | None = None,
    steps: int | None = None,
    budget: float | None = None,
    no_experiments: bool = False,
    select: tuple[str, ...] | None = None,
    ignore: tuple[str, ...] | None = None,
    overhead: float | None = None,
    format_: str | None = None,
    output: Path | None = None,
    ray: str | None = None,
    live: bool = False,
    fail_fast: bool = False,
    to: tuple[Target, ...] = (),
    fail_on: str | None = None,
    dir_: Path | None = None,
    baseline: Path | None = None,
    write_baseline: bool = False,
    prune_baseline: bool = False,
) -> Request:
    """Check everything that can be checked before the program starts."""
    if module is None and not program:
        raise click.UsageError("which program? paramedic run train.py, or paramedic run -m package.module")
    try:
        config = merged(load(Path.cwd()), budget, select, ignore, overhead, fail_on, dir_)
        config = replace(
            config,
            format=format_ or config.format,
            output=output or (config.output if format_ is None else None),
            baseline=baseline or config.baseline,
        )
        known.read(config.baseline)
    except known.BaselineError as error:
        raise click.UsageError(str(error)) from error
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if module is not None:
        check_module(module)
    else:
        check_script(program[0])
    if fail_fast and module in LAUNCHERS:
        raise click.UsageError("--fail-fast cannot end a program of several processes; --steps N can")
    if config.output is not None and config.output.is_dir():
        raise click.UsageError(f"--output {config.output} is a directory")
    if ray is not None:
        _check_cluster(ray)
    return Request(
        script=None if module else program[0],
        module=module,
        arguments=program if module else program[1:],
        config=config,
        steps=steps,
        experiments=not no_experiments,
        format=config.format,
        output=config.output,
        write_baseline=write_baseline,
        prune_baseline=prune_baseline,
        live=live,
        fail_fast=fail_fast,
        to=to,
        ray=ray,
    )


def _check_cluster(address: str) -> None:
    """Before the program starts, and not hours later when it has ended."""
    from paramedic.integrations.cluster import ClusterError, check

    try:
        check(address)
    except ClusterError as error:
        raise click.UsageError(str(error)) from error


def merged(
    config: Config,
    budget: float | None,
    select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    overhead: float | None,
    fail_on: str | None,
    dir_: Path | None,
) -> Config:
    """The command line over the file: what is given replaces what the file says."""
    changes: dict[str, Any] = {
        "budget": budget,
        "overhead": overhead,
        "fail_on": fail_on,
        "dir": dir_,
        "select": checked_selectors(select, "--select") if select is not None else None,
        "ignore": tuple(map(Ignored, checked_selectors(ignore, "--ignore"))) if ignore is not None else None,
    }
    return replace(config, **{key: value for key, value in changes.items() if value is not None})


def run(request: Request) -> int:
    """Run, examine, print; the exit code."""
    from paramedic.cli.output import ON_TERMINAL_TOO
    from paramedic.cli.process import run_child

    stem = Path(request.script).stem if request.script else str(request.module)
    folder = folders.create(request.config.dir, stem)
    spec = specification(request, folder)
    info = spec | {
        "ignored": {item.check: item.reason for item in request.config.ignore},
    }
    folders.write_info(folder, info)
    to_stderr = request.output is None and request.format not in ON_TERMINAL_TOO
    sys.stdout.flush()
    viewer = _live_page(folder) if request.live else None
    returncode = run_child(spec, sys.stderr if to_stderr else None)
    if (kept := folders.kept(folder)) != folder:
        folder = kept
        folders.write_info(folder, info)
    try:
        return conclude(request, folder, returncode)
    finally:
        if viewer is not None and not _examined(folder):  # killed: no report will come that would end it
            viewer.terminate()


def _live_page(folder: Path) -> subprocess.Popen[bytes] | None:
    """A process that serves the page until the run has its report, in a session of its own so that the terminal's
    Ctrl-C ends the program alone.
    """
    from paramedic.trace.store import TraceWriter

    TraceWriter(folder / folders.TRACE).close()  # the server is there before the program has written a thing
    start = "import sys; from paramedic.cli.main import main; main(sys.argv[1:])"
    command = [sys.executable, "-P", "-c", start, "view", str(folder), "--until-examined"]
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        click.echo(f"paramedic: the live page could not be started ({error.strerror})", err=True)
        return None


def _examined(folder: Path) -> bool:
    try:
        stored = folders.open_run(folder)
    except click.UsageError:
        return False
    try:
        return stored.report is not None
    finally:
        stored.trace.close()


def specification(request: Request, folder: Path) -> dict[str, Any]:
    """What the child gets (see ``paramedic.capture.child``)."""
    config = request.config
    return {
        "script": request.script,
        "module": request.module,
        "arguments": list(request.arguments),
        "folder": str(folder),
        "elsewhere": str(folders.elsewhere(folder)),
        "steps": request.steps,
        "budget": config.budget,
        "experiments": request.experiments,
        "ray": request.ray,
        "select": list(config.select),
        "ignore": [item.check for item in config.ignore],
        "overhead": config.overhead / 100,
        "thresholds": config.thresholds,
        "progress": True,
        "fail_fast": request.fail_fast,
        "live": request.live,
        "baseline": str(config.baseline.resolve()),
        "cwd": os.getcwd(),
        "started": time.time(),
        "sha256": digest(Path(request.script)) if request.script else None,
    }


def conclude(request: Request, folder: Path, returncode: int) -> int:
    """Read what the child left, and print it; the exit code."""
    if not folder.is_dir():
        raise click.ClickException(f"the run's folder is gone, and its report with it: {folder} (exit code {returncode})")
    if not (folder / folders.TRACE).is_file():
        raise click.ClickException(f"the program could not be observed: no trace was written (exit code {returncode})")
    stored = folders.open_run(folder)
    if stored.report is None:
        return _conclude_unexamined(request, stored, returncode)
    report = _with_known(request, stored.report)
    if report is not stored.report:
        replace_meta(stored.trace.path, "report", report.to_json())
    _deliver(request, stored, report)
    fail_on = request.config.fail_on
    program_failed = fail_on != "never" and bool(report.program.get("exit_code"))
    return int(program_failed or report.exit_code(fail_on))


def _with_known(request: Request, report: Report) -> Report:
    """The report seen against the baseline, which is written anew where that is asked for."""
    path = request.config.baseline
    entries = known.read(path)
    if not entries and not request.write_baseline:
        return report
    compared = known.with_baseline(report, entries)
    if request.write_baseline:
        entries = known.renewed(compared, entries)
    elif request.prune_baseline:
        entries = known.pruned(compared, entries)
    else:
        return compared
    try:
        known.write(path, entries)
    except OSError as error:
        raise click.UsageError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"paramedic: {path} lists {len(entries)} known finding{'' if len(entries) == 1 else 's'}", err=True)
    return known.with_baseline(report, entries)


def _conclude_unexamined(request: Request, stored: folders.Run, returncode: int) -> int:
    """One line if there was nothing to examine; otherwise what the trace alone can say."""
    from paramedic.cli import unexamined

    unexamined.remember(stored, returncode)
    ended = unexamined.how_it_ended(stored, returncode)
    failed = unexamined.program_failed(stored, returncode)
    as_text = request.output is None and request.format == "text"
    nothing_happened = not failed and not stored.steps
    if nothing_happened or not as_text:
        click.echo(f"paramedic: {ended}", err=True)
    if not (nothing_happened and as_text):
        _deliver(request, stored, unexamined.examined_from_trace(stored, ended))
    return 1 if failed else EXIT_UNEXAMINED


def _deliver(request: Request, stored: folders.Run, report: Report) -> None:
    from paramedic.cli.output import log_to, show, write_html

    write_html(stored, report)
    log_to(stored, report, request.to)
    if request.output is not None:
        show(stored, report, request.format, request.output, request.config.fail_on)
    as_text = "text" if request.output is not None else request.format
    show(stored, report, as_text, None, request.config.fail_on)
