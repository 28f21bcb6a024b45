"""Run folders: one per observed run, with trace.sqlite, run.json and report.html."""

from __future__ import annotations

import json
import os
import re
import secrets
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from paramedic.config import nearest
from paramedic.report.context import Context
from paramedic.report.model import Report
from paramedic.trace.store import Trace, TraceError

TRACE, RUN, HTML = "trace.sqlite", "run.json", "report.html"
_NAME = re.compile(r"\d{8}-\d{6}-.+-[0-9a-f]{4}")


def create(base: Path, stem: str) -> Path:
    """A new folder below ``base``; below the temporary folder, with a line on stderr, if need be."""
    safe = re.sub(r"[^A-Za-z0-9_.]+", "_", stem).strip("._")[:60] or "run"
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{safe}-{secrets.token_hex(2)}"
    try:
        folder = base / name
        folder.mkdir(parents=True)
        _keep_out_of_git(base)
        return folder.resolve()
    except OSError as error:
        folder = Path(tempfile.mkdtemp(prefix="paramedic-")) / name
        folder.mkdir()
        click.echo(
            f"paramedic: cannot write {base} ({error.strerror}); this run is kept in {folder}", err=True
        )
        return folder


def elsewhere(folder: Path) -> Path:
    """Where a run goes on when its folder cannot be written any more; not made before that."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"paramedic-{user}-{folder.name}"


def kept(folder: Path) -> Path:
    """Where a run is: its folder, or where it went on."""
    moved = elsewhere(folder)
    try:
        own = not hasattr(os, "getuid") or moved.lstat().st_uid == os.getuid()
    except OSError:
        return folder
    return moved if own and (moved / TRACE).is_file() else folder


def write_info(folder: Path, info: dict[str, Any]) -> None:
    """run.json; a full disk costs the file, not the run."""
    try:
        (folder / RUN).write_text(json.dumps(info, indent=1), encoding="utf-8")
    except OSError as error:
        click.echo(f"paramedic: {RUN} could not be written ({error.strerror})", err=True)


def _keep_out_of_git(base: Path) -> None:
    """Run folders are nothing to commit, as with .pytest_cache."""
    ignore = base / ".gitignore"
    if base.name == ".paramedic" and not ignore.exists():
        ignore.write_text("*\n")


def listed(base: Path) -> list[Path]:
    """The run folders below ``base``, oldest first."""
    try:
        folders = [item for item in base.iterdir() if _NAME.fullmatch(item.name) and (kept(item) / TRACE).is_file()]
    except OSError:
        return []
    return sorted(folders, key=lambda item: item.name)


def find(run: str | None, base: Path) -> Path:
    """The folder of a run: its path, its trace's, its name or a beginning or end of that; None: the latest.

    UsageError in one line if there is none, or more than one.
    """
    folders = listed(base)
    if run is None:
        if not folders:
            raise click.UsageError(f"no runs in {base}; make one with `paramedic run train.py`")
        return folders[-1]
    path = Path(run)
    if path.is_file():
        path = path.parent
    if (path / TRACE).is_file():
        return path
    matches = [item for item in folders if item.name.startswith(run) or item.name.endswith(run)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise click.UsageError(f'"{run}" could be {len(matches)} runs, among them {matches[-1].name}')
    if path.is_dir():
        raise click.UsageError(f"not a run of paramedic (no {TRACE} in it): {run}")
    raise click.UsageError(f'no run is called "{run}"{nearest(run, [item.name for item in folders])}')


@dataclass(frozen=True)
class Run:
    """A stored run. ``report`` is None if the run was never examined (killed, or still running)."""

    folder: Path
    trace: Trace
    info: dict[str, Any]
    report: Report | None

    @property
    def steps(self) -> int:
        """Optimizer steps that are in the trace."""
        if self.trace.meta("ended") is not None:
            return int((self.trace.meta("program") or {}).get("steps") or 0)
        rows = self.trace.steps()
        return rows[-1].step + 1 if rows else 0

    def context(self, **options: Any) -> Context:
        """What a format may look up beside the report."""
        ignored = self.info.get("ignored")
        return Context(
            root=Path(str(self.info.get("cwd", "."))),
            run=_shown(self.folder),
            trace=self.trace,
            started=self.info["started"] if isinstance(self.info.get("started"), (int, float)) else None,
            ignored=ignored if isinstance(ignored, dict) else {},
            **options,
        )


def open_run(folder: Path) -> Run:
    """Read a stored run; UsageError in one line if it is damaged, foreign or newer."""
    folder = kept(folder)
    try:
        trace = Trace(folder / TRACE)
        document = trace.meta("report")
        report = Report.from_json(document, folder) if document is not None else None
    except (TraceError, ValueError) as error:
        raise click.UsageError(f"{folder}: {error}") from error
    except Exception as error:  # sqlite3 reports a damaged page only when it is read
        raise click.UsageError(f"damaged trace in {folder}: {error}") from error
    return Run(folder, trace, _info(folder), report)


def _info(folder: Path) -> dict[str, Any]:
    try:
        info = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return info if isinstance(info, dict) else {}


def _shown(folder: Path) -> Path:
    """Relative to the working directory if it lies below it."""
    try:
        return folder.resolve().relative_to(os.getcwd())
    except ValueError:
        return folder
