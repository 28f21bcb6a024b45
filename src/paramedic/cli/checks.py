"""``paramedic checks``: the table of all checks. Imports no torch."""

from __future__ import annotations

import json
import sys

import click


@click.command()
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(format_: str) -> None:
    """List all checks: row, name, what it needs, what it costs."""
    from paramedic.catalogue import ROWS
    from paramedic.checks.registry import descriptions, plugin_description, plugin_errors, plugin_names

    broken = plugin_errors()
    plugins = [plugin_description(name) for name in plugin_names() if name not in broken]
    items = [*descriptions(), *(item for item in plugins if item is not None)]
    for text in broken.values():
        click.echo(f"paramedic: {text}", err=True)
    if format_ == "json":
        rows = [
            {
                "reason": item.reason,
                "name": item.name,
                "also": list(item.also),
                "needs": list(item.needs),
                "cost": item.cost,
                "summary": item.doc.split("\n")[0],
            }
            for item in items
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    covered = {row for item in items for row in (item.reason, *item.also)}
    lines = ["row  check                                      needs                cost"]
    for item in items:
        lines.append(f"{item.reason:<4} {item.name:<42} {', '.join(item.needs):<20} {item.cost}")
    for row in ROWS:
        if row.id not in covered:
            lines.append(f"{row.id:<4} - no check yet: {row.title}")
    sys.stdout.write("\n".join(lines) + "\n")
