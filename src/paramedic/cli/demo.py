"""``paramedic demo``: the ordinary run of a broken program that comes with the package."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click

NAME = "train.py"


@click.command()
@click.option(
    "--dir", "dir_", type=click.Path(path_type=Path), help="Where the run folder is made [.paramedic]."
)
def command(dir_: Path | None) -> int:
    """Run a broken training program on real data, and find its fault.

    Exit code 0 if a fault was found: that is what the demo is for.
    """
    from paramedic.cli.run import request, run

    script = copied_program()
    click.echo(f"$ paramedic run {script}", err=True)
    code = run(request((str(script),), dir_=dir_, fail_on="fault"))
    return {0: 1, 1: 0}.get(code, code)


def copied_program() -> Path:
    """A copy in the working directory's .paramedic/demo, so that it is the user's own to edit."""
    source = Path(__file__).parent.parent / "demo" / NAME
    folder = Path(".paramedic") / "demo"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copyfile(source, folder / NAME))
    except OSError:
        return Path(shutil.copyfile(source, Path(tempfile.mkdtemp(prefix="paramedic-demo-")) / NAME))
