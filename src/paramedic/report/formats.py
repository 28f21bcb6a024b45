"""The formats of a report, each in its own file and imported when it is asked for."""

from __future__ import annotations

import importlib

from paramedic.report.context import Context
from paramedic.report.model import Report

FORMATS: tuple[str, ...] = ("text", "json", "html", "sarif", "junit", "github", "markdown")


def render(report: Report, format: str = "text", context: Context | None = None) -> str:
    """The report in one format. Everything that comes from the program is escaped for that format."""
    if format not in FORMATS:
        raise ValueError(f"unknown format {format!r}; known: {', '.join(FORMATS)}")
    if format == "json":
        return report.dumps() + "\n"
    module = importlib.import_module(f"paramedic.report.{format}")
    return str(module.render(report, context or Context()))
