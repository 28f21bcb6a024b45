"""``paramedic data``: audit a data set without a training program."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import click

from paramedic.cli import folders
from paramedic.cli.completion import files
from paramedic.cli.run import comma_separated, merged
from paramedic.config import FAIL_ON, Config, ConfigError, load
from paramedic.report.formats import FORMATS


@click.command()
@click.argument("target", shell_complete=files)
@click.argument("more", nargs=-1, metavar="")
@click.option("--label", metavar="COLUMN", help="Column, key or array that holds the labels.")
@click.option(
    "--split",
    "splits",
    multiple=True,
    metavar="train=... val=...",
    help="Key, folder or file of each split.",
)
@click.option("--classes/--regression", "classes", default=None, help="Labels are classes, or values.")
@click.option("--workers", type=click.IntRange(0, 64), default=0, help="Processes that read [0: this one].")
@click.option("--ray", metavar="ADDRESS", help="Read on a Ray cluster: host:6379, ray://host:10001 or auto.")
@click.option("--select", callback=comma_separated, help="Only these rows or checks: R06,noisy-labels")
@click.option("--ignore", callback=comma_separated, help="Without these rows or checks.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option(
    "--output", type=click.Path(path_type=Path), help="Write the format here; text is printed as well."
)
@click.option("--fail-on", type=click.Choice(FAIL_ON), help="Exit code 1 from this level on [fault].")
@click.option("--dir", "dir_", type=click.Path(path_type=Path), help="Where run folders are made [.paramedic].")
def command(
    target: str,
    more: tuple[str, ...],
    label: str | None,
    splits: tuple[str, ...],
    classes: bool | None,
    workers: int,
    ray: str | None,
    select: tuple[str, ...] | None,
    ignore: tuple[str, ...] | None,
    format_: str,
    output: Path | None,
    fail_on: str | None,
    dir_: Path | None,
) -> int:
    """Find out what is wrong with a data set, before a network is trained on it.

    TARGET is a module:attribute (a Dataset, DataLoader, arrays, or a dict of splits), a folder of pictures with one
    folder for each class, a CSV, Parquet, Arrow, .npy, .npz or .pt file, or the folder of a Hugging Face dataset.
    Nothing is unpickled.

    Exit code: 0 nothing found, 1 findings, 2 usage or internal error.
    """
    try:
        config = merged(load(Path.cwd()), None, select, ignore, None, fail_on, dir_)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    if output is not None and output.is_dir():
        raise click.UsageError(f"--output {output} is a directory")
    if ray and workers:
        raise click.UsageError("--workers and --ray: the data are read either here or on the cluster")
    regression = None if classes is None else not classes
    wanted = {
        "label": label, "splits": _splits((*splits, *more)), "regression": regression, "workers": workers, "ray": ray,
    }  # fmt: skip
    return examine(target, config, format_, output, wanted)


def _splits(texts: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in (part for item in texts for part in item.split(",")):
        role, equals, what = text.partition("=")
        if not equals or not what:
            raise click.UsageError(f'"{text}" is no split: write --split train=... val=...')
        if role in found:
            raise click.UsageError(f'--split names "{role}" twice')
        found[role] = what
    return found


def examine(
    target: str,
    config: Config,
    format_: str,
    output: Path | None,
    wanted: dict[str, Any],
) -> int:
    """Read, examine, print; the exit code. wanted: the fields of ``Wanted``, which is imported when it is needed."""
    from paramedic.cli.output import show, write_html
    from paramedic.diagnosis.audit import examine_data
    from paramedic.diagnosis.session import selection
    from paramedic.sources.reader import SourceError
    from paramedic.sources.target import Wanted, open_text

    try:
        record = open_text(target, Wanted(progress=_progress, **wanted))
    except SourceError as error:
        raise click.ClickException(str(error)) from error
    finally:
        _clear()
    folder = folders.create(config.dir, "data-" + (Path(target).name or "set"))
    argv = ["data", target]
    info = {
        "argv": argv,
        "cwd": os.getcwd(),
        "started": time.time(),
        "ignored": {item.check: item.reason for item in config.ignore},
    }
    (folder / folders.RUN).write_text(json.dumps(info, indent=1), encoding="utf-8")
    spec = {"select": list(config.select), "ignore": [item.check for item in config.ignore]}
    report = examine_data(record, folder, argv, selection(spec), config.thresholds, _examining)
    _clear()
    stored = folders.open_run(folder)
    write_html(stored, report)
    if output is not None:
        show(stored, report, format_, output, config.fail_on)
    show(stored, report, "text" if output is not None else format_, None, config.fail_on)
    return report.exit_code(config.fail_on)


def _progress(name: str, rows: int) -> None:
    _line(f"paramedic: reading {name}: {rows} rows")


def _examining(name: str) -> None:
    _line(f"paramedic: examining ({name})")


def _line(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _clear() -> None:
    _line("")


