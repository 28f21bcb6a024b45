"""The command ``paramedic``: finds the verbs, and turns every error into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

import click

VERBS = (
    "run", "view", "data", "report", "fix", "runs", "replay", "compare", "checks", "explain", "demo", "doctor", "mcp",
    "completion",
)  # fmt: skip
EXIT_USAGE = 2


class Verbs(click.Group):
    """Imports a verb's file when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        return importlib.import_module(f"paramedic.cli.{cmd_name}").command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            from paramedic.config import nearest

            hint = nearest(args[0], VERBS)
            if not hint and args[0].endswith(".py"):
                hint = f" (did you mean `paramedic run {args[0]}`?)"
            raise click.UsageError(f'no verb is called "{args[0]}"{hint}')
        return super().resolve_command(ctx, args)


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from paramedic.report.model import _version as version

        click.echo(f"paramedic {version()}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]}, no_args_is_help=False)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print it."
)
def paramedic() -> None:
    """Finds out why a neural network is not working.

    Start with `paramedic run train.py`, or `paramedic demo` to see it on a broken program.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit codes: 0 nothing found, 1 findings or a crash of the program, 2 usage or internal error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    if "_PARAMEDIC_COMPLETE" in os.environ:  # the shell asks for completions: click answers and ends
        paramedic.main(prog_name="paramedic", complete_var="_PARAMEDIC_COMPLETE")
    words = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    try:
        code = paramedic.main(args=words, prog_name="paramedic", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        sys.exit(_fail(error.format_message()))
    except click.Abort:
        sys.exit(_fail("interrupted"))
    except BrokenPipeError:  # `paramedic report | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> int:
    from paramedic.report.escape import clean

    click.echo(f"paramedic: {clean(message)}", err=True)
    return EXIT_USAGE
