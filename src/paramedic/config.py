"""Configuration: ``[tool.paramedic]`` of the nearest pyproject.toml; the command line overrides it.

[tool.paramedic]
select = ["R19", "R36"]                                   # rows or checks; empty: all
ignore = ["R06", { check = "high-learning-rate", reason = "warm-up is meant to be steep" }]
budget = 60                                               # seconds of experiments after the program
fail-on = "fault"                                         # fault, suspect or never
dir = ".paramedic"                                        # where the run folders are made
overhead = 1.0                                            # percent of the program's time for observing it
format = "text"                                           # and output = "report.sarif"
output = "report.html"
baseline = "paramedic-baseline.json"                      # findings that are known (--write-baseline)
[tool.paramedic.thresholds]
"missing-zero-grad.least-share" = 0.6                     # check.constant, as `paramedic explain` lists them
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FAIL_ON = ("fault", "suspect", "never")
MIN_PREFIX = 4  # characters: longer than any row's id, so that "r1" is never read as a check's beginning
KEYS = ("select", "ignore", "thresholds", "budget", "fail-on", "dir", "overhead", "format", "output", "baseline")


BASELINE = "paramedic-baseline.json"


class ConfigError(ValueError):
    """A wrong setting; the text is one line and names the file."""


@dataclass(frozen=True)
class Ignored:
    """A row or check that is not wanted, and why."""

    check: str
    reason: str = ""


@dataclass(frozen=True)
class Config:
    """Settings of a run. ``budget`` in seconds, ``overhead`` in percent; ``path``: where they came from."""

    select: tuple[str, ...] = ()
    ignore: tuple[Ignored, ...] = ()
    thresholds: dict[str, float] = field(default_factory=dict)
    budget: float = 60.0
    fail_on: str = "fault"
    dir: Path = Path(".paramedic")
    overhead: float = 1.0
    format: str = "text"
    output: Path | None = None
    baseline: Path = Path(BASELINE)
    path: Path | None = None


def nearest(name: str, known: Sequence[str]) -> str:
    """ " (did you mean "x"?)" for the most similar known name, or nothing."""
    by_folded = {item.casefold(): item for item in known}
    close = difflib.get_close_matches(name.casefold(), list(by_folded), n=1)
    return f' (did you mean "{by_folded[close[0]]}"?)' if close else ""


def known_selectors() -> tuple[str, ...]:
    """Rows, checks of paramedic, and checks of installed plugins, without importing any of them."""
    from paramedic.catalogue import ROWS
    from paramedic.checks.registry import descriptions, plugin_names

    return (*(row.id for row in ROWS), *(item.name for item in descriptions()), *plugin_names())


def checked_selectors(names: Iterable[str], source: str) -> tuple[str, ...]:
    """The names as the catalogue writes them: rows, checks, or the beginning of a check's name.

    ConfigError for one that selects nothing.
    """
    known = known_selectors()
    by_folded = {item.casefold(): item for item in known}
    result = []
    for name in names:
        folded = name.casefold()
        if len(folded) >= MIN_PREFIX and any(item.startswith(folded) for item in known):
            result.append(folded)
            continue
        if folded not in by_folded:
            raise ConfigError(f'{source}: no row or check is called "{name}"{nearest(name, known)}')
        result.append(by_folded[folded])
    return tuple(result)


def find(start: Path) -> Path | None:
    """The nearest pyproject.toml at or above ``start`` that has a [tool.paramedic] table."""
    start = start.resolve()
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file() and _table(path) is not None:
            return path
    return None


def load(start: Path) -> Config:
    """The configuration that holds in folder ``start``; ConfigError names the file and the wrong setting."""
    path = find(start)
    return Config() if path is None else parse(_table(path) or {}, path)


def _table(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            tool = tomllib.load(file).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    except OSError:
        return None
    return tool.get("paramedic") if isinstance(tool, dict) else None


def parse(table: Any, path: Path) -> Config:
    """Check every key and value of a [tool.paramedic] table."""
    source = f"{path}: [tool.paramedic]"
    if not isinstance(table, dict):
        raise ConfigError(f"{source} must be a table")
    for key in table:
        if key not in KEYS:
            raise ConfigError(f'{source} has no setting "{key}"{nearest(key, KEYS)}')
    ignore = _ignored(table.get("ignore", []), source)
    checked_selectors([item.check for item in ignore], f"{source} ignore")
    return Config(
        select=checked_selectors(_strings(table.get("select", []), f"{source} select"), f"{source} select"),
        ignore=ignore,
        thresholds=_thresholds(table.get("thresholds", {}), source),
        budget=_number(table.get("budget", Config.budget), f"{source} budget"),
        fail_on=_fail_on(table.get("fail-on", Config.fail_on), source),
        dir=_dir(table.get("dir"), path, source),
        overhead=_number(table.get("overhead", Config.overhead), f"{source} overhead", most=100),
        format=_format(table.get("format", Config.format), source),
        output=_path(table["output"], path, f"{source} output") if "output" in table else None,
        baseline=_path(table.get("baseline", BASELINE), path, f"{source} baseline"),
        path=path,
    )


def _strings(value: Any, source: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{source} must be a list of strings")
    return value


def _ignored(value: Any, source: str) -> tuple[Ignored, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{source} ignore must be a list")
    return tuple(_one_ignored(item, source) for item in value)


def _one_ignored(item: Any, source: str) -> Ignored:
    if isinstance(item, str):
        return Ignored(item)
    for key in item if isinstance(item, dict) else ():
        if key not in ("check", "reason"):
            raise ConfigError(f'{source} ignore has no setting "{key}"{nearest(key, ("check", "reason"))}')
    if not isinstance(item, dict) or not isinstance(item.get("check"), str):
        raise ConfigError(f'{source} ignore: an item must be a string or {{ check = "...", reason = "..." }}')
    return Ignored(item["check"], str(item.get("reason", "")))


def _thresholds(value: Any, source: str) -> dict[str, float]:
    """Both spellings: "check.threshold" = 1, and a table per check."""
    from paramedic.checks.registry import descriptions

    if not isinstance(value, dict):
        raise ConfigError(f"{source} thresholds must be a table")
    result: dict[str, float] = {}
    for key, item in value.items():
        entries = (
            {f"{key}.{name}": number for name, number in item.items()}
            if isinstance(item, dict)
            else {key: item}
        )
        for name, number in entries.items():
            check = name.rpartition(".")[0]
            names = [description.name for description in descriptions()]
            if check not in names:
                raise ConfigError(
                    f'{source} thresholds: no check is called "{check or name}"{nearest(check, names)}'
                )
            known = next(item.thresholds for item in descriptions() if item.name == check)
            constant = name.rpartition(".")[2]
            if constant not in known:
                raise ConfigError(
                    f'{source} thresholds: {check} has no "{constant}"{nearest(constant, tuple(known))}; '
                    f"it has {', '.join(known) or 'none'}"
                )
            result[name] = _number(number, f"{source} thresholds {name}")
    return result


def _number(value: Any, source: str, most: float = float("inf")) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value <= most or value == float("inf"):
        wanted = f"from 0 to {most:g}" if most < float("inf") else "of at least 0"
        raise ConfigError(f"{source} must be a number {wanted}, not {value!r}")
    return float(value)


def _fail_on(value: Any, source: str) -> str:
    if value not in FAIL_ON:
        raise ConfigError(f"{source} fail-on must be one of {', '.join(FAIL_ON)}, not {value!r}")
    return str(value)


def _dir(value: Any, path: Path, source: str) -> Path:
    """A relative folder is relative to the configuration file."""
    return Config.dir if value is None else _path(value, path, f"{source} dir")


def _path(value: Any, path: Path, source: str) -> Path:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{source} must be a string")
    return path.parent / value


def _format(value: Any, source: str) -> str:
    from paramedic.report.formats import FORMATS

    if value not in FORMATS:
        raise ConfigError(f"{source} format must be one of {', '.join(FORMATS)}, not {value!r}{nearest(str(value), FORMATS)}")
    return str(value)
