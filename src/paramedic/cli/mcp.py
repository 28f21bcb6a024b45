"""``paramedic mcp``: the Model Context Protocol server for coding agents, on standard input and output."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=".", show_default=True,
    help="Programs and runs are those of this folder, and of no other.",
)  # fmt: skip
@click.option("--seconds", type=click.FloatRange(1), default=1800.0, show_default=True, help="Limit of one call.")
def command(folder: Path, seconds: float) -> None:
    """Serve the tools run, report, runs, explain, checks, fix and replay to a coding agent (MCP, stdio)."""
    try:
        from paramedic.integrations.mcp_server import server
    except ImportError as error:
        raise click.UsageError(f"needs the extra: pip install 'paramedic[mcp]' ({error.name} is missing)") from error
    server(folder, seconds).run("stdio")
