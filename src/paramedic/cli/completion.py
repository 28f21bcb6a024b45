"""``paramedic completion``: what makes the shell complete verbs, options and runs."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

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
