"""A program whose model cannot be run again: what the loss is given can be examined all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.diagnosis.examine import examine
from paramedic.diagnosis.ranking import rank
from paramedic.experiments.lab import Lab
from paramedic.report.model import Report, row_statuses
from paramedic.trace.setup import Setup
from paramedic.trace.store import Trace

ROW = "R19"  # the loss's input: nothing of it needs the model


def with_loss_alone(report: Report, trace: Trace, setup: Setup, selected: Callable[[Check], bool]) -> Report:
    """The report with row 19 examined on tapes that start from what the model returned."""
    if not setup.cut:
        return report
    loss = Setup(steps=[[record] for record in setup.cut])
    case = Case(trace, loss, Lab(loss, budget=0.0))
    found, outcomes, errors = examine(case, selected=lambda check: check.reason == ROW and selected(check))
    ranked = rank(found)
    reasons = {**report.reasons, ROW: row_statuses(outcomes, ranked)[ROW]}
    findings = (*ranked, *report.findings)
    return replace(report, findings=findings, reasons=reasons, errors={**report.errors, **errors})
