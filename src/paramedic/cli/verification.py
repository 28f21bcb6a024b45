"""Runs the original and the patched program side by side, each in its own copy of the program's folder."""

from __future__ import annotations

import math
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

from paramedic.checks.finding import Finding
from paramedic.cli import folders
from paramedic.cli.process import run_child
from paramedic.measurements.printed import better, curves, is_loss, last, main_metric
from paramedic.remedies.patching import PatchError, apply, file_of

MAX_COPY = 1_000_000_000  # bytes: two copies of more than this are for the user to decide
LEFT_OUT = {".git", ".hg", ".paramedic", "__pycache__", "node_modules", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".tox"}
SEED = 0
# Rows whose fault flatters (or blurs) the reported figures: the honest figure may be lower than the faulty one.
REPORTING = frozenset({"R15", "R21"})
REPORTING_CHECKS = frozenset({"causal-leak", "validating-in-train-mode", "samples-influence-each-other"})
# Rows whose remedy makes another loss: two losses, and u measured by them, are on different scales.
OTHER_LOSS = frozenset({"R17", "R18", "R19", "R20", "R26"})
# Checks whose remedy makes another task of it: to repeat the input is easy, and says nothing of guessing what comes next.
OTHER_TASK = frozenset({"target-not-shifted"})
SAME_START = 0.1  # relative difference of the first losses up to which two losses are taken to be one
# What is compared, in this order, as far as both runs have it; "u" is 1 where nothing was learned, and 0 at best.
UNMEASURED = ": how far the run got could not be measured, as where networks are trained by what another one makes"
GENERATED = "generated u"  # of a generator's samples, whatever loss it was trained by
OBSERVED = (
    GENERATED, "validation accuracy", "validation R2", "validation u", "training accuracy", "training R2", "training u"
)  # fmt: skip
# Weights of classes buy the rare ones with errors in the frequent one: there every class counts alike.
BY_CLASS = ("validation balanced accuracy", "training balanced accuracy")
UNBALANCED = frozenset({"R08"})
LEAST = 0.02  # of accuracy and R2 (as `measurements.printed.better`)
LEAST_U = 0.05  # the spread of u over seeds in runs that end alike (the gain of a remedy has to be 0.2)
Z = 1.96


@dataclass(frozen=True)
class End:
    """How one of the two runs went.

    losses: per recorded step; printed: the curves that the program printed; reached: what we measured at the end
    (see paramedic.experiments.reached).
    """

    exit_code: int
    seconds: float
    losses: list[float]
    printed: dict[str, list[float]]
    found: bool | None  # whether the finding is there again (None: it was not looked for, or could not be)
    reached: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Verification:
    """What came of a patch.

    metric: the figure that was compared, before and after; None if the two runs have none in common. observed: whether
    it is one that was measured here, and not one that the programs print. printed: the printed figure whose curves are
    shown. same_loss: whether the two losses are on one scale.
    """

    helped: bool
    why: str
    metric: str | None
    before: float | None
    after: float | None
    original: End
    patched: End
    observed: bool = False
    printed: str | None = None
    same_loss: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "helped": self.helped, "why": self.why, "metric": self.metric, "before": self.before, "after": self.after,
            "observed": self.observed,
        }  # fmt: skip

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


def patched_file(patch: str, root: Path) -> Path:
    """The file below ``root`` that a patch changes; UsageError if it lies elsewhere."""
    name = file_of(patch)
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise click.UsageError(f"{name} lies outside of {root}: run the program from a folder that holds it")
    return path


def write_patched(patch: str, root: Path) -> Path:
    """Apply the patch to its file below ``root``; UsageError in one line if the file has changed or lies elsewhere.

    The file is the old or the new one at any moment, also on a full disk.
    """
    name, path = file_of(patch), patched_file(patch, root)
    try:
        mode = path.stat().st_mode
        if not mode & stat.S_IWUSR:
            raise click.UsageError(f"{name} is read-only")
        text = apply(patch, path.read_bytes().decode("utf-8"))
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
            os.chmod(temporary, stat.S_IMODE(mode))
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except (PatchError, OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"the patch of {name} does not apply: {error}") from error
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
        "measure": True,
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
    losses = stored.trace.at_every_step("loss").tolist()
    found = None
    if finding is not None and stored.report is not None:
        if any(item.check == finding.check and item.level != "note" for item in stored.report.findings):
            found = True
        elif stored.report.reasons[finding.reason].status != "not-checked":
            found = False
    reached = stored.trace.meta("reached") or {}
    stored.trace.close()
    return End(code, seconds, losses, curves(text), found, reached)


def judge(finding: Finding, original: End, patched: End) -> Verification:
    """Whether the patch helped: it runs, and what we measured is better; or the finding is gone, and nothing is worse.

    Where we could measure nothing in both runs, or it is much the same, the figures count that the programs print.
    """
    same_task = finding.check not in OTHER_TASK
    same_loss = same_task and finding.reason not in OTHER_LOSS and _same_start(original, patched)
    reporting = finding.reason in REPORTING or finding.check in REPORTING_CHECKS
    names = BY_CLASS if finding.reason in UNBALANCED else OBSERVED
    measured = _observed(names, original, patched, same_loss) if same_task else None
    printed = main_metric([original.printed, patched.printed])
    said = _printed(original, patched, same_loss)
    chosen = measured if measured is not None and (measured.change or said is None) else said or measured
    if patched.exit_code != 0:
        helped, why = False, f"the patched program ends with exit code {patched.exit_code}"
    elif original.exit_code != 0:
        helped, why = True, f"the original ends with exit code {original.exit_code}, the patched program with 0"
    elif chosen is not None and chosen.change < 0 and not reporting:
        helped, why = False, f"{spoken(chosen.name)} is worse"
    elif chosen is not None and chosen.change > 0:
        helped, why = True, f"{spoken(chosen.name)} is better{', but the finding is still there' if patched.found else ''}"
    elif patched.found is False:
        helped, why = True, "the finding is gone, the figures are much the same"
        if chosen is None:
            why = f"the finding is gone (there are no figures that can be compared{UNMEASURED if not patched.reached else ''})"
        elif reporting:
            why = "the finding is gone: the figures are the honest ones now"
    elif patched.found is None:
        helped, why = False, "no figure is better, and it could not be examined again"
    else:
        helped, why = False, "no figure is better, and the finding is still there"
    name, before, after = (chosen.name, chosen.before, chosen.after) if chosen is not None else (None, None, None)
    return Verification(
        helped, why, name, before, after, original, patched, chosen is not None and chosen is measured, printed, same_loss
    )


def spoken(figure: str) -> str:
    """The name of a figure in words."""
    if figure == GENERATED:
        return "likeness of samples"
    return f"{figure[:-2]} progress" if figure.endswith(" u") else figure


@dataclass(frozen=True)
class Figure:
    """One figure of both runs. change: 1 if it is better in the patched one, -1 if worse, 0 if much the same."""

    name: str
    before: float
    after: float
    change: int


def _observed(names: Sequence[str], original: End, patched: End, same_loss: bool) -> Figure | None:
    """The first of the figures that both runs have; u by another loss only where there is nothing else."""
    known = [name for name in names if name in original.reached and name in patched.reached]
    ordered = known if same_loss else sorted(known, key=lambda name: name.endswith(" u") and name != GENERATED)
    for name in ordered:
        one, other = original.reached[name], patched.reached[name]
        before, after, lower = float(one["value"]), float(other["value"]), name.endswith(" u")  # "nan" is stored as text
        if not (math.isfinite(before) and math.isfinite(after)):
            if math.isfinite(before) or math.isfinite(after):
                return Figure(name, before, after, 1 if math.isfinite(after) else -1)
            continue
        least = LEAST_U if lower else max(LEAST, _error(before, one["rows"]) if name.endswith("accuracy") else 0.0)
        gain = (before - after) if lower else (after - before)
        if lower and name != GENERATED and not same_loss and gain < least:
            continue  # worse by another loss: it says nothing
        return Figure(name, before, after, 1 if gain > least else -1 if gain < -least else 0)
    return None


def _error(accuracy: float, rows: float) -> float:
    """Half the 95 % interval of an accuracy over so many rows."""
    return float(Z * (max(accuracy * (1 - accuracy), 0.0) / max(1.0, rows)) ** 0.5)


def _printed(original: End, patched: End, same_loss: bool) -> Figure | None:
    """The figure that both programs print and that says most; a loss only where it is the same loss."""
    name = main_metric([original.printed, patched.printed])
    if name is None or (is_loss(name) and not same_loss):
        return None
    before, after = last(original.printed[name]), last(patched.printed[name])
    return Figure(name, before, after, better(name, before, after))


def _same_start(original: End, patched: End) -> bool:
    """Whether the two runs begin with much the same loss: then it is the same function of the same data."""
    if not original.losses or not patched.losses:
        return True
    first, other = original.losses[0], patched.losses[0]
    if not (math.isfinite(first) and math.isfinite(other)):
        return True
    return abs(first - other) <= SAME_START * max(abs(first), abs(other))
