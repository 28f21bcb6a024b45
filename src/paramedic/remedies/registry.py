"""From a finding to a patch: every module here that names the finding's check in ``CHECKS`` may write one.

A module defines ``CHECKS`` (names of checks) and ``rewrite(source, finding)``, which records its changes in the source
and raises NoPatch where it is not sure. LibCST is imported with the modules, when the first patch is asked for.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from paramedic.checks.finding import Finding

HELPERS = ("registry", "source", "constants", "objects", "patching", "unpatched")


@cache
def rewrites() -> dict[str, tuple[Any, ...]]:
    """Check name -> modules that can rewrite what it found, in the order of their names."""
    import paramedic.remedies as package

    found: dict[str, tuple[Any, ...]] = {}
    for info in pkgutil.iter_modules(package.__path__):
        if info.name not in HELPERS:
            module = importlib.import_module(f"{package.__name__}.{info.name}")
            for check in module.CHECKS:
                found[check] = (*found.get(check, ()), module)
    return found


def patch(finding: Finding, root: Path, unchanged_since: float = math.inf) -> str | None:
    """A unified diff on the file that the finding names (relative to ``root``); None where there is no sure one.

    unchanged_since: seconds since 1970; a file that was changed later is not what ran.
    """
    if finding.where is None or finding.remedy is None:
        return None
    try:
        if (root / finding.where.file).stat().st_mtime > unchanged_since:
            return None
        modules = rewrites().get(finding.check, ())
    except (ImportError, OSError):  # LibCST is not installed, or there is no such file: no patch then
        return None
    return next((text for module in modules if (text := _attempt(module, finding, root)) is not None), None)


def _attempt(module: Any, finding: Finding, root: Path) -> str | None:
    from paramedic.remedies.source import NoPatch, Source

    assert finding.where is not None
    try:
        source = Source.read(root / finding.where.file, finding.where.file)
        module.rewrite(source, finding)
        return source.diff()
    except NoPatch:
        return None


def with_patch(finding: Finding, root: Path, unchanged_since: float = math.inf) -> Finding:
    """The finding with the patch in its remedy, where one can be made; a note only if an experiment has tried its change."""
    tried = finding.level != "note" or finding.proof is not None
    if not tried or finding.remedy is None or finding.remedy.patch is not None:
        return finding
    try:
        text = patch(finding, root, unchanged_since)
    except Exception:  # a patch is an extra: the finding stands without it
        return finding
    return finding if text is None else replace(finding, remedy=replace(finding.remedy, patch=text))
