"""Examines a data set without a training program."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.data.samples import rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.diagnosis.examine import make_report
from paramedic.diagnosis.exhibits.data import data_of
from paramedic.diagnosis.exhibits.settings import environment
from paramedic.diagnosis.exhibits.suspects import shown_samples
from paramedic.measurements.data.stream import CERTAIN, detection_limit
from paramedic.report.model import Report
from paramedic.trace.dataset import DataRecord
from paramedic.trace.store import Trace, TraceWriter

MOST_NAMES = 10
TRACE = "trace.sqlite"


def audit(
    dataset: Any,
    *,
    label: str | None = None,
    splits: Mapping[str, str] | None = None,
    regression: bool | None = None,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    workers: int = 0,
    ray: str | None = None,
) -> Report:
    """Find out what is wrong with a data set, without a network.

    dataset: a Dataset, a DataLoader, arrays or tensors (inputs, or a pair of inputs and targets), a mapping of splits
    ("train", "val") to these, or what ``paramedic data`` takes: a path, or "module:attribute". label: the column, key
    or array of the labels. splits: role ("train", "val") -> key, folder or file. regression: targets are values (True)
    or classes (False); by default what they look like. select, ignore: rows and checks. workers: processes that read.
    ray: address of a Ray cluster that reads instead (extra [ray]); its nodes see the files under the same names.
    Raises ``paramedic.sources.reader.SourceError``, a ValueError, where there is nothing that could be read.
    """
    from paramedic.config import checked_selectors
    from paramedic.diagnosis.session import selection
    from paramedic.sources.target import Wanted, open_object

    spec = {"select": checked_selectors(select, "select"), "ignore": checked_selectors(ignore, "ignore")}
    wanted = Wanted(label, splits, regression, workers, ray=ray)
    record = open_object(dataset, None, type(dataset).__name__, wanted)
    with tempfile.TemporaryDirectory(prefix="paramedic-") as folder:
        return examine_data(record, Path(folder), ["audit", record.target], selection(spec))


def examine_data(
    record: DataRecord,
    folder: Path,
    argv: list[str],
    selected: Callable[[Check], bool] = lambda check: True,
    thresholds: Mapping[str, float] | None = None,
    progress: Callable[[str], None] = lambda name: None,
) -> Report:
    """The report of a data set, stored in ``folder`` as that of a run is."""
    started = time.perf_counter()
    writer = TraceWriter(folder / TRACE)
    program = {"argv": argv, "steps": 0, "crashed": None, "data": record.describe()}
    writer.meta("program", program)
    trace = Trace(writer.path)
    try:
        case = Case(trace, data=record, thresholds=dict(thresholds or {}))
        report = make_report(case, program, {}, _limits(record), selected, progress)
        report = replace(report, findings=tuple(_with_samples(case, item) for item in report.findings))
    finally:
        trace.close()
    report.cost["experiments_s"] = round(time.perf_counter() - started, 3)
    writer.meta("ended", {"kind": "finished", "exit_code": 0})
    writer.meta("exhibits", _exhibits(record))
    writer.meta("report", report.to_json())
    writer.close()
    return report


def _exhibits(record: DataRecord) -> dict[str, Any]:
    """Samples, counts and histograms for the page, or why they are not shown."""
    try:
        return {"data": data_of(record), "environment": environment()}
    except Exception as error:  # the report does without
        return {"missing": {"data": f"{type(error).__name__}: {str(error)[:200]}"}}


def _limits(record: DataRecord) -> tuple[str, ...]:
    """What a sample can show, for every split that was not examined whole."""
    found = []
    for split in (*record.splits.values(), *record.others):
        if not split.complete:
            limit = detection_limit(len(split.inputs))
            found.append(
                f"{split.name}: all {split.total} rows were counted; tests that compare rows took {len(split.inputs)} "
                f"drawn at random (a fault in {limit:.2%} of the rows is among them with {CERTAIN:.0%})"
            )
    return (*found, *record.notes)


def _with_samples(case: Case, finding: Finding) -> Finding:
    """The names of the suspect rows as evidence; for the page their pictures, or the rows themselves."""
    samples = finding.extra.get("samples")
    if not samples or not samples[1]:
        return finding
    found = rows(case, samples[0])
    chosen = [int(row) for row in samples[1]]
    evidence = finding.evidence
    if all(item.name != "rows" for item in evidence):
        evidence = (*evidence, Evidence("rows", ", ".join(found.names(chosen, MOST_NAMES))))
    return replace(finding, evidence=evidence, extra={**finding.extra, **shown_samples(found, chosen)})
