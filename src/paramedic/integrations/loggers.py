"""Where people already look: a run's curves, histograms and findings for TensorBoard, Weights & Biases and MLflow.

Written from the stored trace after the run, as a run of its own beside the program's: nothing of the program's own
logs is changed. ``--to KIND:WHERE`` names the place; without it the place is the one that the program itself used
(``used_by_program``), if that is on this machine: nothing is sent over a network that nobody asked for.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import math
import os
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paramedic.config import nearest

if TYPE_CHECKING:
    from paramedic.report.context import Context
    from paramedic.report.model import Report

KINDS = {"tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}  # and the package that writes it
MAX_POINTS = 1000  # of a curve
MAX_LAYERS = 60


class LoggerError(Exception):
    """Nothing could be written there; the text is one line."""


@dataclass(frozen=True)
class Target:
    """A logger and a place: a directory, or for MLflow also a URI. options: of the program's own run."""

    kind: str
    where: str
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"


@dataclass(frozen=True)
class Histogram:
    """Counts in bins of equal width from low to high, with what is known of all values."""

    name: str
    step: int
    low: float
    high: float
    counts: tuple[int, ...]
    mean: float
    std: float

    @property
    def edges(self) -> list[float]:
        """Of the bins: one more than there are counts."""
        width = (self.high - self.low) / len(self.counts)
        return [self.low + width * at for at in range(len(self.counts) + 1)]


@dataclass(frozen=True)
class Record:
    """What is written. curves: name -> (step, value), finite or not. text: the report as Markdown."""

    name: str
    curves: dict[str, list[tuple[int, float]]]
    histograms: list[Histogram]
    findings: list[dict[str, str]]
    text: str


def parse(text: str) -> Target:
    """ "tensorboard:DIR", "wandb:DIR", "mlflow:DIR_OR_URI"; LoggerError in one line for anything else."""
    kind, _, where = text.partition(":")
    if kind not in KINDS:
        known = ", ".join(f"{name}:DIR" for name in KINDS)
        raise LoggerError(f'no logger is called "{kind}"{nearest(kind, tuple(KINDS))}; known are {known}')
    if not where:
        raise LoggerError(f"{kind} needs a place: {kind}:DIR")
    if importlib.util.find_spec(KINDS[kind]) is None:
        raise LoggerError(f"{kind} is not installed: pip install {KINDS[kind]}")
    if "://" in where:
        if kind != "mlflow":
            raise LoggerError(f"{kind} takes a directory, not the address {where}")
    elif Path(where).exists() and not Path(where).is_dir():
        raise LoggerError(f"{where} is a file, and {kind} needs a directory")
    return Target(kind, where if "://" in where else str(Path(where).absolute()))


def write(record: Record, target: Target) -> str:
    """Write, and say where in one line. LoggerError if the library could not."""
    module = importlib.import_module(f"paramedic.integrations.{target.kind}_run")
    try:
        return str(module.write(record, target))
    except Exception as error:
        text = str(error).strip().splitlines()
        raise LoggerError(f"{type(error).__name__}: {text[0][:200] if text else ''}") from error


def record_of(report: Report, context: Context, name: str) -> Record:
    """What a stored run has to show."""
    from paramedic.report.context import claim, confidence, place_text
    from paramedic.report.markdown import render

    trace = context.trace
    findings = [
        {
            "level": item.level,
            "row": item.reason,
            "check": item.check,
            "what": claim(item),
            "where": place_text(item),
            "how sure": confidence(item)[0],
            "change": item.remedy.summary if item.remedy is not None else "",
        }
        for item in report.findings
    ]
    curves = _curves(trace) if trace is not None else {}
    return Record(name, curves, _histograms(trace), findings, render(report, context))


def _curves(trace: Any) -> dict[str, list[tuple[int, float]]]:
    from paramedic.report.charts import root_mean_square

    curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in trace.steps():
        curves["loss"].append((row.step, row.loss))
        if math.isfinite(row.lr):
            curves["learning rate"].append((row.step, row.lr))
        if row.gradient_norm is not None:
            curves["gradient norm"].append((row.step, row.gradient_norm))
        for name, value in row.losses.items():
            curves[f"losses/{name}"].append((row.step, value))
    weights = {(row.step, row.path): root_mean_square(row) for row in trace.layers("weight")}
    seen: set[str] = set()
    for row in trace.layers():
        if row.path not in seen and len(seen) >= MAX_LAYERS:
            continue
        seen.add(row.path)
        if row.quantity == "activation":
            for measure in ("mean", "std", "zero"):
                curves[f"activation {'zeros' if measure == 'zero' else measure}/{row.path}"].append(
                    (row.step, getattr(row, measure))
                )
        elif row.quantity == "saturated":
            curves[f"activation saturated/{row.path}"].append((row.step, row.mean))
        elif row.quantity == "gradient":
            curves[f"gradient rms/{row.path}"].append((row.step, root_mean_square(row)))
        elif row.quantity == "update" and weights.get((row.step, row.path)):
            ratio = root_mean_square(row) / weights[row.step, row.path]
            curves[f"update to weight/{row.path}"].append((row.step, ratio))
    return {name: _thinned(points) for name, points in curves.items()}


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    from paramedic.report.charts import thinned

    return [(int(step), value) for step, value in thinned(points, MAX_POINTS)]


def _histograms(trace: Any) -> list[Histogram]:
    """Those recorded while the program ran, and those of its end."""
    if trace is None:
        return []
    recorded = [
        Histogram(f"{row.quantity}/{row.path}", row.step, row.low, row.high, row.counts, row.mean, row.std)
        for row in trace.histograms()
        if all(map(math.isfinite, (row.low, row.high, row.mean, row.std)))
    ]
    exhibits = trace.meta("exhibits")
    shown = exhibits.get("distributions") if isinstance(exhibits, dict) else None
    last = max((row.step for row in trace.steps()), default=0) if shown else 0
    return recorded + [
        Histogram(
            f"{'whole update' if item['state'] == 'run' else item['quantity']}/{item['path']}",
            0 if item["state"] == "initial" else last,
            float(item["low"]),
            float(item["high"]),
            tuple(map(int, item["bins"])),
            float(item["mean"]),
            float(item["std"]),
        )
        for item in shown or ()
        if item.get("bins") and all(math.isfinite(float(item[key])) for key in ("low", "high", "mean", "std"))
    ]


# -- in the program's process, after its end ---------------------------------------------------------------------------


def used_by_program() -> list[dict[str, Any]]:
    """The loggers that the program wrote to, as far as they are in its memory: kind, where, options."""
    found: list[dict[str, Any]] = []
    looks = ((("tensorboard", "tensorboardX"), _summary_writers), (("wandb",), _wandb_runs), (("mlflow",), _mlflow_runs))
    for packages, look in looks:
        if any(name in sys.modules for name in packages):
            try:
                found += [item for item in look() if item not in found]
            except Exception:
                continue  # a library of another version: the program's logs are found with --to
    return found


def _instances(*names: tuple[str, str]) -> list[Any]:
    """Living objects of these classes, by module prefix and class name."""
    return [
        item
        for item in gc.get_objects()
        if any(type(item).__name__ == name and type(item).__module__.startswith(module) for module, name in names)
    ]


def _summary_writers() -> list[dict[str, Any]]:
    writers = _instances(("torch.utils.tensorboard", "SummaryWriter"), ("tensorboardX", "SummaryWriter"))
    folders = {os.path.abspath(str(item.log_dir)) for item in writers if getattr(item, "log_dir", None)}
    return [{"kind": "tensorboard", "where": folder, "options": {}} for folder in sorted(folders)]


def _wandb_runs() -> list[dict[str, Any]]:
    found = []
    for run in _instances(("wandb.", "Run")):
        settings = getattr(run, "_settings", None)
        folder = getattr(settings, "root_dir", None)
        if folder is None or getattr(settings, "mode", None) == "disabled":
            continue
        options = {
            "online": not getattr(settings, "_offline", False),
            **{key: getattr(settings, attribute, None) for key, attribute in _WANDB_SETTINGS.items()},
        }
        found.append({"kind": "wandb", "where": os.path.abspath(str(folder)), "options": options})
    return found


_WANDB_SETTINGS = {"project": "project", "entity": "entity", "group": "run_group", "beside": "run_name", "id": "run_id"}


def _mlflow_runs() -> list[dict[str, Any]]:
    mlflow: Any = sys.modules["mlflow"]
    uri = str(mlflow.get_tracking_uri())
    if uri.startswith(("http://", "https://", "databricks", "uc:")):
        return [{"kind": "mlflow", "where": uri, "options": {"online": True}}]
    run = mlflow.active_run() or mlflow.last_active_run()
    if run is None:
        return []
    options = {"experiment_id": run.info.experiment_id, "parent": run.info.run_id}
    return [{"kind": "mlflow", "where": uri, "options": options}]
