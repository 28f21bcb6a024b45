"""Finds the checks: every class with a ``name`` in a module below ``checks`` or ``experiments``.

``descriptions`` reads the source with ``ast`` so that ``paramedic checks`` and ``explain`` need no torch.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paramedic.checks.check import Check

PACKAGES = ("checks", "experiments")
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Description:
    """What is known about a check without running it."""

    reason: str
    name: str
    also: tuple[str, ...]
    needs: tuple[str, ...]
    cost: str
    doc: str
    path: Path
    thresholds: dict[str, float]


@cache
def descriptions() -> tuple[Description, ...]:
    """All checks of paramedic itself, in order of the catalogue's rows and then by name."""
    from paramedic.catalogue import ROWS

    order = {row.id: number for number, row in enumerate(ROWS)}
    found = [item for package in PACKAGES for item in _described(_ROOT / package)]
    return tuple(sorted(found, key=lambda item: (order[item.reason], item.name)))


def _described(folder: Path) -> Iterator[Description]:
    for path in sorted(folder.rglob("*.py")):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node in body:
            if isinstance(node, ast.ClassDef):
                constants = dict(_constants(node))
                if "name" in constants and "reason" in constants:
                    yield Description(
                        reason=constants["reason"],
                        name=constants["name"],
                        also=tuple(constants.get("also", ())),
                        needs=tuple(constants.get("needs", ("setup",))),
                        cost=constants.get("cost", "free"),
                        doc=inspect.cleandoc(ast.get_docstring(node) or ""),
                        path=path,
                        thresholds=_thresholds(body),
                    )


def _thresholds(body: list[ast.stmt]) -> dict[str, float]:
    """The numeric constants of a check's file, as the configuration names them: LEAST_SHARE is "least-share"."""
    found = {}
    for statement in body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            try:
                value = ast.literal_eval(statement.value)
            except ValueError:
                continue
            if name.isupper() and not name.startswith("_") and isinstance(value, (int, float)) and not isinstance(value, bool):
                found[name.lower().replace("_", "-")] = float(value)
    return found


def _constants(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for statement in node.body:
        target, value = None, None
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign):
            target, value = statement.target, statement.value
        if isinstance(target, ast.Name) and value is not None:
            try:
                yield target.id, ast.literal_eval(value)
            except ValueError:
                continue


class PluginError(ValueError):
    """A check of a plugin cannot be used; the text is one line and says why."""


def plugin_names() -> list[str]:
    """The checks of installed plugins, by their entry points; nothing is imported."""
    from importlib.metadata import entry_points

    return sorted(entry.name for entry in entry_points(group="paramedic.checks"))


def plugin_class(name: str) -> type[Check]:
    """The class of a plugin's check (imports it, and torch). PluginError if that is not a check of this name."""
    from importlib.metadata import entry_points

    from paramedic.catalogue import ROW_BY_ID
    from paramedic.checks.check import Check

    entry = next(iter(entry_points(group="paramedic.checks", name=name)))
    try:
        found = entry.load()
    except Exception as error:  # somebody else's code
        raise PluginError(f"the plugin's check {name} cannot be imported: {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Check)):
        raise PluginError(f"the plugin's check {name} ({entry.value}) is no class derived from paramedic's Check")
    if getattr(found, "name", None) != name:
        raise PluginError(f'the plugin\'s check {name} ({entry.value}) calls itself "{getattr(found, "name", None)}"')
    if getattr(found, "reason", None) not in ROW_BY_ID:
        raise PluginError(f'the plugin\'s check {name} speaks for "{getattr(found, "reason", None)}", which is no row')
    return found


def plugin_description(name: str) -> Description | None:
    """A check of an installed plugin (imports it); None if there is none of this name. PluginError if it is broken."""
    if name not in plugin_names():
        return None
    found = plugin_class(name)
    return Description(
        reason=found.reason, name=found.name, also=tuple(found.also), needs=tuple(found.needs), cost=found.cost,
        doc=inspect.cleandoc(found.__doc__ or ""), path=Path(inspect.getfile(found)), thresholds={},
    )


def plugin_errors() -> dict[str, str]:
    """What is wrong with the checks of plugins, by name."""
    errors = {}
    for name in plugin_names():
        try:
            plugin_class(name)
        except PluginError as error:
            errors[name] = str(error)
    return errors


@cache
def check_classes() -> tuple[type[Check], ...]:
    """The check classes themselves (imports torch), in the order of ``descriptions``; plugins that work come last."""
    from paramedic.checks.check import Check

    found: dict[str, type[Check]] = {}
    for package in PACKAGES:
        root = importlib.import_module(f"paramedic.{package}")
        for info in pkgutil.walk_packages(root.__path__, prefix=f"paramedic.{package}."):
            module = importlib.import_module(info.name)
            for item in vars(module).values():
                if (
                    isinstance(item, type)
                    and issubclass(item, Check)
                    and item.__module__ == module.__name__
                    and "name" in vars(item)
                ):
                    found[item.name] = item
    ordered = [found.pop(item.name) for item in descriptions() if item.name in found]
    broken = plugin_errors()
    plugins = [plugin_class(name) for name in plugin_names() if name not in broken]
    return tuple(ordered + list(found.values()) + plugins)
