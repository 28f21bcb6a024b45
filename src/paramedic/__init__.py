"""paramedic finds out why a neural network is not working."""

from __future__ import annotations

from typing import Any

_HOMES = {
    "Finding": "paramedic.checks.finding",
    "Report": "paramedic.report.model",
    "audit": "paramedic.diagnosis.audit",
    "diagnose": "paramedic.diagnosis.diagnose",
    "run": "paramedic.capture.run",
    "watch": "paramedic.capture.watch",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `paramedic --help` needs no torch."""
    if name not in _HOMES:
        raise AttributeError(f"module 'paramedic' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
