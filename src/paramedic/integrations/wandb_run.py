"""A run's record as a run of Weights & Biases of its own, in the program's project and group where they are known."""

from __future__ import annotations

import contextlib
import io
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from paramedic.integrations.loggers import Record, Target


def write(record: Record, target: Target) -> str:
    """Always offline, in ``target.where``: `wandb sync` sends it when the user wants that."""
    import wandb

    Path(target.where).mkdir(parents=True, exist_ok=True)
    options = target.options
    beside = options.get("beside")
    settings = wandb.Settings(silent=True, console="off", x_disable_stats=True)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run: Any = wandb.init(
            project=options.get("project") or "paramedic",
            entity=options.get("entity"),
            group=options.get("group"),
            job_type="paramedic",
            name=f"paramedic of {beside}" if beside else record.name,
            dir=target.where,
            mode="offline",
            config={"examined run": options["id"]} if options.get("id") else None,
            settings=settings,
            reinit="create_new",
        )
        folder = Path(run.settings.sync_dir)
        try:
            _log(wandb, run, record)
        finally:
            run.finish()
            wandb.teardown()  # an offline run's file is written after ``finish`` has returned, now and then
    return f"Weights & Biases: wandb sync {folder}"


def _log(wandb: Any, run: Any, record: Record) -> None:
    rows: dict[int, dict[str, Any]] = defaultdict(dict)
    for name, points in record.curves.items():
        for step, value in points:
            rows[step][name] = value if math.isfinite(value) else str(value)
    for item in record.histograms:
        rows[item.step][item.name] = wandb.Histogram(np_histogram=(list(item.counts), item.edges))
    for step in sorted(rows):
        run.log(rows[step], step=step)
    columns = list(record.findings[0]) if record.findings else ["what"]
    table = wandb.Table(columns=columns, data=[[item[name] for name in columns] for item in record.findings])
    run.log({"findings": table}, step=max(rows, default=0))
    run.summary["verdict"] = record.findings[0]["what"] if record.findings else "nothing found"
