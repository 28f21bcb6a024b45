"""``paramedic completion``: what makes the shell complete verbs, options, programs, checks and runs."""

from __future__ import annotations

from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_PARAMEDIC_COMPLETE"  # read by main


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion script of a shell: eval "$(paramedic completion bash)" in your ~/.bashrc."""
    from paramedic.cli.main import paramedic

    found = get_completion_class(shell)
    assert found is not None
    if shell == "bash":  # click asks the installed bash for its version; any since 4.4 (2016) will do
        found._check_version = staticmethod(lambda: None)  # type: ignore[attr-defined, method-assign]
    click.echo(found(paramedic, {}, "paramedic", VARIABLE).source())


def files(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The shell's own completion of file names."""
    return [CompletionItem(incomplete, type="file")]


def checks(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Rows and checks; of a list with commas, its last item."""
    from paramedic.config import known_selectors

    before, comma, last = incomplete.rpartition(",")
    return [before + comma + name for name in known_selectors() if name.casefold().startswith(last.casefold())]


def runs(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The stored runs."""
    from paramedic.config import ConfigError, load

    try:
        folder = load(Path.cwd()).dir
        return sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name.startswith(incomplete))
    except (ConfigError, OSError):
        return []
