"""A run's record as an MLflow run: nested below the program's own where that is known."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

from paramedic.integrations.loggers import Record, Target

EXPERIMENT = "paramedic"
BATCH = 1000  # metrics of one call: MLflow's own limit


def write(record: Record, target: Target) -> str:
    """Metrics, tags with the main finding, and the report, histograms and findings as artifacts; says where."""
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

    uri = _uri(target.where)
    client = MlflowClient(tracking_uri=uri)
    tags = {"mlflow.runName": f"paramedic {record.name}", "paramedic.verdict": _verdict(record)}
    if parent := target.options.get("parent"):
        tags["mlflow.parentRunId"] = parent
    run = client.create_run(_experiment(client, target), tags=tags)
    number = run.info.run_id
    metrics = [
        Metric(_name(name), value, step, step)
        for name, points in record.curves.items()
        for step, value in points
        if math.isfinite(value)
    ]
    for at in range(0, len(metrics), BATCH):
        client.log_batch(number, metrics=metrics[at : at + BATCH])
    client.log_text(number, record.text, "paramedic.md")
    client.log_dict(number, {"findings": record.findings}, "findings.json")
    client.log_dict(number, {item.name + f" at {item.step}": vars(item) for item in record.histograms}, "histograms.json")
    client.set_terminated(number)
    return f"MLflow: run {number} in {uri}"


def _uri(where: str) -> str:
    """A directory is a database and its artifacts, as MLflow makes them by itself; an older store stays one."""
    if "://" in where or where.startswith(("sqlite:", "file:")):
        if where.startswith("file:"):
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        return where
    folder = Path(where)
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*/meta.yaml")) and not (folder / "mlflow.db").exists():
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        return folder.as_uri()
    return f"sqlite:///{folder / 'mlflow.db'}"


def _experiment(client: Any, target: Target) -> str:
    if known := target.options.get("experiment_id"):
        return str(known)
    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    local = "://" not in target.where
    return str(client.create_experiment(EXPERIMENT, (Path(target.where) / "artifacts").as_uri() if local else None))


def _verdict(record: Record) -> str:
    return record.findings[0]["what"] if record.findings else "nothing found"


def _name(text: str) -> str:
    """MLflow allows letters, digits, and these few characters."""
    return "".join(c if c.isalnum() and c.isascii() or c in "_-. /" else "_" for c in text)[:250]
