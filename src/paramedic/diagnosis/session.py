"""Examines a run that has just ended in this process."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Finding, Outcome
from paramedic.checks.registry import check_classes
from paramedic.diagnosis.examine import examine, make_report
from paramedic.diagnosis.exhibits import exhibits
from paramedic.diagnosis.loss_alone import with_loss_alone
from paramedic.diagnosis.phases import with_other_phases
from paramedic.diagnosis.ranking import rank
from paramedic.diagnosis.replay import experiments_of, replay_experiment
from paramedic.experiments.lab import Lab
from paramedic.experiments.reached import reached
from paramedic.report.context import claim, place_text
from paramedic.report.known import read, with_baseline, without_ignored
from paramedic.report.model import Report
from paramedic.trace.memory import free_bytes
from paramedic.trace.processors import Idleness
from paramedic.trace.setup import Setup
from paramedic.trace.store import Trace, TracePart, TraceWriter

DEFAULT_BUDGET = 60.0  # seconds of experiments
# Elements; below it a second thread costs more than it gives (a step of a few milliseconds), and much more where
# the cores are busy: 5 s of checks took 181 s beside other work.
COPIES = 5  # of each weight while it is experimented with: first and last value, gradient, Adam's two averages
SMALL_MODEL = 1_000_000
SLOWEST = "R18"  # row whose checks fit free outputs: three quarters of the time of a look while the program runs


def examine_run(
    writer: TraceWriter,
    setup: Setup,
    program: dict[str, Any],
    cost: dict[str, Any],
    errors: dict[str, str],
    spec: dict[str, Any],
) -> Report:
    """The report of an observed run; ``errors`` are those of the capture."""
    not_observed = tuple(setup.problems) + tuple(f"{key}: {text}" for key, text in errors.items())
    if writer.problem:
        not_observed += (writer.problem,)
    with _case_of(writer, setup, spec) as case:
        # In a process of our own the program is over, and Ctrl-C means us; elsewhere it is the program's.
        alone = "folder" in spec
        report = make_report(case, program, cost, not_observed, selection(spec), _progress(spec), alone)
        if case.workshop is not None:
            case.workshop.disconnect()  # the examination of another phase connects by itself
            report = replace(
                report,
                not_observed=(*report.not_observed, *case.workshop.problems),
                cost=report.cost | _processes(case.workshop),
            )
        report = with_loss_alone(report, case.trace, setup, selection(spec))
        report = with_other_phases(report, setup, lambda other: _case_of(writer, other, spec), selection(spec))
        writer.meta("exhibits", exhibits(case))
        writer.meta("experiments", experiments_of(case))
        if spec.get("measure"):
            writer.meta("reached", _reached(case))
        root = Path(str(spec.get("cwd", ".")))
        return without_ignored(with_patches(report, root, float(spec.get("started", time.time()))), root)


def _processes(lab: Lab) -> dict[str, Any]:
    """In how many processes the experiments were made at a time, and why in one, where they could have been in more."""
    why = {"one_process": lab.why_one_process} if lab.processes == 1 and lab.why_one_process is not None else {}
    return {"processes": lab.processes, **why}


def _reached(case: Case) -> dict[str, Any]:
    """How far the run got; nothing where the program's own code fails on the recorded batches."""
    try:
        return reached(case)
    except Exception:
        return {}


def certain_faults(
    trace: Path, setup: Setup, spec: dict[str, Any], told: Callable[[list[dict[str, str]]], None]
) -> None:
    """The faults that are certain already, of a program that still runs; this process is a copy of its own.

    told: gets all that is known whenever a check has found something, for somebody may wait.
    """
    case = Case(
        Trace(trace), setup, Lab(setup, budget=0.0), thresholds=dict(spec.get("thresholds") or {}), running=True
    )
    wanted = selection(spec)
    checks = sorted((item for item in check_classes() if item.at_once), key=lambda item: item.reason == SLOWEST)

    def tell(outcome: Outcome) -> None:
        if outcome.findings:
            told(_certain(case.findings, spec))

    examine(case, checks=checks, selected=wanted, told=tell)


def _certain(findings: Sequence[Finding], spec: dict[str, Any]) -> list[dict[str, str]]:
    argv = [spec.get("script") or f"-m {spec.get('module')}"]
    report = Report(tuple(rank(findings)), {}, {"argv": argv})
    report = without_ignored(report, Path(str(spec.get("cwd", "."))))
    report = with_baseline(report, read(Path(spec["baseline"]))) if spec.get("baseline") else report
    return [
        {
            "check": finding.check,
            "claim": claim(finding),
            "place": place_text(finding),
            "summary": finding.summary,
            "remedy": finding.remedy.summary if finding.remedy is not None else "",
        }
        for finding in report.findings
        if finding.level == "fault" and finding.exact
    ]


def repeat_experiment(writer: TraceWriter, setup: Setup, spec: dict[str, Any]) -> None:
    """The experiment that ``spec`` names, on a run that was made for it; the result is written to the trace."""
    with _case_of(writer, setup, spec) as case:
        writer.meta("replay", replay_experiment(case, **spec["replay"]))


@contextmanager
def _case_of(writer: TraceWriter, setup: Setup, spec: dict[str, Any]) -> Iterator[Case]:
    """What is known of a run, with as many threads as its model is worth."""
    budget = float(spec.get("budget", DEFAULT_BUDGET)) if spec.get("experiments", True) else 0.0
    trace, lab = _trace_of(writer.path, setup), Lab(setup, budget=budget)
    threads = torch.get_num_threads()
    if sum(tensor.numel() for tensor, _ in setup.initial.tensors) < SMALL_MODEL:
        torch.set_num_threads(1)
    try:
        case = Case(trace, setup, lab, thresholds=dict(spec.get("thresholds") or {}))
        if setup.sharded:  # a replay by one process would wait for the others for ever
            case.live = case.workshop = None
            case.why_not_live = "the parameters are sharded over several processes"
        elif why := _no_room(setup):
            case.workshop, case.why_not_live = None, why
        if address := spec.get("ray"):
            lab.cluster = partial(_cluster, str(address))
        elif "folder" in spec:  # a process of our own, whose program has ended
            lab.idleness = Idleness()
        yield case
    finally:
        lab.disconnect()
        torch.set_num_threads(threads)
        trace.close()


def _no_room(setup: Setup) -> str | None:
    """Why the model cannot be copied for experiments; None where it can."""
    needed: Counter[torch.device] = Counter()
    for tensor, _ in setup.initial.tensors:
        needed[tensor.device] += COPIES * tensor.numel() * tensor.element_size()
    for device, count in needed.items():
        if count > (free := free_bytes(device)):
            where = "" if device.type == "cpu" else f" on {device}"
            return f"no room for copies of the model: {count / 1e9:.1f} GB are needed{where}, {free / 1e9:.1f} GB are free"
    return None


def _trace_of(path: Path, setup: Setup) -> Trace:
    phase = setup.phase
    if phase.count == 1 and phase.number == 1 and phase.last:
        return Trace(path)
    return TracePart(path, (phase.first_step, phase.end_step or 0), (phase.first_event, phase.end_event or 0))


def _cluster(address: str) -> Any:
    from paramedic.integrations.cluster import Cluster

    return Cluster(address)


def with_patches(report: Report, root: Path, started: float) -> Report:
    """The report with a patch in every remedy that is a sure change of the user's code.

    root: what the findings' files are relative to. started: files that were changed since then are left alone.
    """
    from paramedic.remedies.registry import with_patch

    return replace(report, findings=tuple(with_patch(finding, root, started) for finding in report.findings))


def selection(spec: dict[str, Any]) -> Callable[[Check], bool]:
    """Which checks run, by ``--select`` and ``--ignore`` (rows, names, or prefixes of names); with a check the experiment
    that decides about its suspicion."""

    def named(check: Check, texts: list[str]) -> bool:
        rows = (check.reason, *check.also)
        names = (check.name, check.decides) if check.decides else (check.name,)
        return any(text in rows or name.startswith(text) for text in texts for name in names)

    select, ignore = list(spec.get("select") or []), list(spec.get("ignore") or [])

    def selected(check: Check) -> bool:
        return (not select or named(check, select)) and not named(check, ignore)

    return selected


def _progress(spec: dict[str, Any]) -> Callable[[str], None]:
    if not spec.get("progress", False) or not sys.stderr.isatty():
        return lambda name: None

    def show(name: str) -> None:
        sys.stderr.write(f"\r\x1b[Kparamedic: examining ({name})")
        sys.stderr.flush()

    return show
