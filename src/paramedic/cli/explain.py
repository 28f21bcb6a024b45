"""``paramedic explain``: the page of a row or a check. Imports no torch."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from paramedic.cli.completion import checks

if TYPE_CHECKING:
    from paramedic.catalogue import Row
    from paramedic.checks.registry import Description


@click.command()
@click.argument("name", shell_complete=checks)
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
def command(name: str, format_: str) -> None:
    """Explain a row (R19, S5, A1) or a check (softmax-before-cross-entropy)."""
    from paramedic.catalogue import ROW_BY_ID

    row, checks = find(name)
    if format_ == "json":
        click.echo(
            json.dumps({"row": _row(row) if row else None, "checks": list(map(_check, checks))}, indent=2)
        )
        return
    parts = []
    if row is not None:
        parts.append(f"{row.id}: {row.title} ({row.section})")
        if not checks:
            parts.append("No check speaks for this row yet; every report says so.")
    for check in checks:
        rows = ", ".join(f"{item} {ROW_BY_ID[item].title}" for item in (check.reason, *check.also))
        title = f"{check.reason} {check.name}"
        facts = f"Rows: {rows}. Needs: {', '.join(check.needs)}. Cost: {check.cost}."
        if check.thresholds:
            facts += " Thresholds: " + ", ".join(f"{name} {value:g}" for name, value in check.thresholds.items()) + "."
        parts.append(f"{title}\n{'=' * len(title)}\n{check.doc or 'Not documented.'}\n\n{facts}")
    sys.stdout.write("\n\n".join(parts) + "\n")


def find(name: str) -> tuple[Row | None, list[Description]]:
    """The row with its checks, or one check. UsageError names the nearest known name."""
    from paramedic.catalogue import ROW_BY_ID
    from paramedic.checks.registry import PluginError, descriptions, plugin_description
    from paramedic.config import known_selectors, nearest

    folded = name.strip().upper()
    if folded.isdigit():
        folded = f"R{int(folded):02d}"
    elif folded[:1] == "R" and folded[1:].isdigit():
        folded = f"R{int(folded[1:]):02d}"
    if folded in ROW_BY_ID:
        mine = [item for item in descriptions() if folded in (item.reason, *item.also)]
        return ROW_BY_ID[folded], mine
    found = [item for item in descriptions() if item.name == name.strip().casefold()]
    try:
        plugin = plugin_description(name.strip().casefold()) if not found else None
    except PluginError as error:
        raise click.UsageError(str(error)) from error
    if plugin is not None:
        return None, [plugin]
    if not found:
        raise click.UsageError(f'no row or check is called "{name}"{nearest(name, known_selectors())}')
    return None, found


def _row(row: Row) -> dict[str, Any]:
    return {"id": row.id, "title": row.title, "section": row.section}


def _check(item: Description) -> dict[str, Any]:
    return {
        "reason": item.reason,
        "name": item.name,
        "also": list(item.also),
        "needs": list(item.needs),
        "cost": item.cost,
        "doc": item.doc,
        "thresholds": item.thresholds,
    }
