"""Runs the original and the patched program side by side, each in its own copy of the program's folder."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from paramedic.checks.finding import Finding
from paramedic.cli import folders
from paramedic.cli.process import run_child
from paramedic.measurements.printed import better, curves, last, main_metric
from paramedic.remedies.patching import PatchError, apply, file_of

MAX_COPY = 1_000_000_000  # bytes: two copies of more than this are for the user to decide
LEFT_OUT = {".git", ".hg", ".paramedic", "__pycache__", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox"}
SEED = 0
# Rows whose fault flatters (or blurs) the reported figures: the honest figure may be lower than the faulty one.
REPORTING = frozenset({"R15", "R21"})
REPORTING_CHECKS = frozenset({"causal-leak", "validating-in-train-mode", "samples-influence-each-other"})


@dataclass(frozen=True)
class End:
    """How one of the two runs went. losses: per recorded step; printed: the curves that the program printed."""

    exit_code: int
    seconds: float
    losses: list[float]
    printed: dict[str, list[float]]
    found: bool | None  # whether the finding is there again (None: it was not looked for, or could not be)


@dataclass(frozen=True)
class Verification:
    """What came of a patch. metric: the printed figure that was compared; None if the two print none in common."""

    helped: bool
    why: str
    metric: str | None
    before: float | None
    after: float | None
    original: End
    patched: End

    def to_json(self) -> dict[str, Any]:
        return {"helped": self.helped, "why": self.why, "metric": self.metric, "before": self.before, "after": self.after}

    def in_full(self) -> dict[str, Any]:
        return asdict(self)


def verify(finding: Finding, info: dict[str, Any], budget: float = 20.0) -> Verification:
    """Run both. ``info`` is the run's specification (run.json); UsageError if the program cannot be copied or run."""
    assert finding.remedy is not None and finding.remedy.patch is not None
    root = Path(str(info.get("cwd", ".")))
    if not root.is_dir():
        raise click.UsageError(f"the program's folder is gone: {root}")
    with _copy(root) as original_folder:
        original = _run(info, root, original_folder, None, budget)
    with _copy(root) as patched_folder:
        write_patched(finding.remedy.patch, patched_folder)
        patched = _run(info, root, patched_folder, finding, budget)
    return judge(finding, original, patched)


def write_patched(patch: str, root: Path) -> Path:
    """Apply the patch to its file below ``root``; UsageError in one line if the file has changed or lies elsewhere."""
    try:
        path = root / file_of(patch)
        if not path.resolve().is_relative_to(root.resolve()):
            raise click.UsageError(f"{file_of(patch)} lies outside of {root}")
        text = path.read_bytes().decode("utf-8")
        path.write_bytes(apply(patch, text).encode("utf-8"))
    except (PatchError, OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"the patch does not apply: {error}") from error
    return path


@contextmanager
def _copy(root: Path) -> Iterator[Path]:
    """A copy of a folder, without version control, environments and caches."""
    size = 0
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if not _left_out(Path(folder), name)]
        for name in files:
            try:
                size += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
        if size > MAX_COPY:
            raise click.UsageError(
                f"{root} holds more than {MAX_COPY / 1e9:.0f} GB: run the program in a smaller folder to verify a patch"
            )
    base = Path(tempfile.mkdtemp(prefix="paramedic-verify-"))
    try:
        copy = base / root.resolve().name
        shutil.copytree(
            root, copy, symlinks=True, ignore=lambda folder, names: [n for n in names if _left_out(Path(folder), n)]
        )
        yield copy
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _left_out(folder: Path, name: str) -> bool:
    return name in LEFT_OUT or (folder / name / "pyvenv.cfg").is_file()


def _run(info: dict[str, Any], root: Path, copy: Path, finding: Finding | None, budget: float) -> End:
    """One run in a copy, observed; with ``finding`` the examination looks for it again."""
    folder = copy.parent / "run"
    folder.mkdir()
    script = info.get("script")
    if script and Path(script).is_absolute() and Path(script).is_relative_to(root):
        script = str(copy / Path(script).relative_to(root))
    spec = info | {
        "script": script,
        "folder": str(folder),
        "cwd": str(copy),
        "started": time.time(),
        "seed": SEED,
        "select": [finding.check if finding is not None else "nothing"],
        "ignore": [],
        "budget": budget,
        "experiments": finding is not None,
        "progress": False,
    }
    output = copy.parent / "output.txt"
    started = time.perf_counter()
    with output.open("w", encoding="utf-8") as file:
        code = run_child(spec, file, cwd=copy, stderr=file)
    seconds = time.perf_counter() - started
    text = output.read_text(encoding="utf-8", errors="replace")
    if not (folder / folders.TRACE).is_file():
        return End(code or 1, seconds, [], curves(text), None)
    stored = folders.open_run(folder)
    losses = [row.loss for row in stored.trace.steps()]
    found = None
    if finding is not None and stored.report is not None:
        if any(item.check == finding.check and item.level != "note" for item in stored.report.findings):
            found = True
        elif stored.report.reasons[finding.reason].status != "not-checked":
            found = False
    stored.trace.close()
    return End(code, seconds, losses, curves(text), found)


def judge(finding: Finding, original: End, patched: End) -> Verification:
    """Whether the patch helped: it runs, the finding is gone, and the printed figures are better, or were not honest."""
    metric = main_metric([original.printed, patched.printed])
    before = last(original.printed[metric]) if metric else None
    after = last(patched.printed[metric]) if metric else None
    change = better(metric, before, after) if metric and before is not None and after is not None else 0
    reporting = finding.reason in REPORTING or finding.check in REPORTING_CHECKS
    if patched.exit_code != 0:
        helped, why = False, f"the patched program ends with exit code {patched.exit_code}"
    elif original.exit_code != 0:
        helped, why = True, f"the original ends with exit code {original.exit_code}, the patched program with 0"
    elif change < 0 and not reporting:
        helped, why = False, f"{metric} is worse"
    elif change > 0:
        helped, why = True, f"{metric} is better"
    elif patched.found is False:
        helped, why = True, "the finding is gone, the printed figures are much the same"
        if reporting:
            why = "the finding is gone: the figures are the honest ones now"
    elif patched.found is None:
        helped, why = False, "no figure is better, and it could not be examined again"
    else:
        helped, why = False, "no figure is better, and the finding is still there"
    return Verification(helped, why, metric, before, after, original, patched)
