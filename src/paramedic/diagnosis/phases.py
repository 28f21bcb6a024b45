"""A program that trains several things one after the other: the facts of the phases that are not diagnosed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Finding
from paramedic.diagnosis.examine import examine
from paramedic.diagnosis.ranking import rank
from paramedic.report.model import Report, RowStatus
from paramedic.trace.setup import Setup


def with_other_phases(
    report: Report,
    setup: Setup,
    case_of: Callable[[Setup], AbstractContextManager[Case]],
    selected: Callable[[Check], bool],
) -> Report:
    """The report of one phase, with which one it is, and with the exact facts of the others.

    Others get no experiments: theirs would need the weights, modules and flags as they were then.
    """
    if setup.phase.count == 1:
        return report
    phases: list[dict[str, Any]] = [_described(setup, diagnosed=True)]
    found: list[Finding] = []
    for other in setup.others:
        why = _why_not_examined(other)
        phases.append({**_described(other), "unexamined": why} if why else _described(other))
        if why is None:
            with _as_it_was(other), case_of(other) as case:
                if case.workshop is not None:
                    case.workshop.budget = 0.0
                facts, _, _ = examine(case, selected=lambda check: selected(check) and check.cost != "experiment")
            found += [_placed(item, other) for item in rank(facts) if item.level == "fault" and item.exact]
    phases.sort(key=lambda item: item["phase"])
    program = {**report.program, "phases": phases, "phases_seen": setup.phase.count}
    return _with_facts(replace(report, program=program), found)


def _described(setup: Setup, diagnosed: bool = False) -> dict[str, Any]:
    phase = setup.phase
    made = next((record.constructed for record in setup.optimizers if record.constructed is not None), None)
    names = [record.name for record in setup.models]
    described: dict[str, Any] = {
        "phase": phase.number, "first_step": phase.first_step, "steps": phase.steps, "models": names[:8],
        "optimizer": str(made) if made is not None else None, "diagnosed": diagnosed,
    }  # fmt: skip
    return {**described, "why": phase.chosen} if diagnosed else described


def _why_not_examined(setup: Setup) -> str | None:
    """The same training again says nothing new; a rebuilt model would be examined with parts that it did not have."""
    if setup.phase.like != setup.phase.number:
        return f"the same training as {setup.phase.like}"
    modules = [record.owner if record.owner is not None else record.module for record in setup.models]
    now = {id(p) for module in modules for p in module.parameters()}
    return None if now == setup.phase.parameters else "its model was changed afterwards"


@contextmanager
def _as_it_was(setup: Setup) -> Iterator[None]:
    """The parameters' requires_grad as it was when the phase began."""
    flags = [(live, live.requires_grad) for live, _ in setup.initial.tensors]
    try:
        for (live, _), wanted in zip(flags, setup.initial.wanted, strict=True):
            if live.is_leaf and live.is_floating_point():
                live.requires_grad_(wanted)
        yield
    finally:
        for live, flag in flags:
            if live.is_leaf and live.is_floating_point():
                live.requires_grad_(flag)


def _placed(finding: Finding, setup: Setup) -> Finding:
    number, first = setup.phase.number, setup.phase.first_step
    steps = f"steps {first} to {max(first, first + setup.phase.steps - 1)}"
    summary = f"in training {number} of the program ({steps}): {finding.summary}"
    return replace(finding, summary=summary, extra=finding.extra | {"phase": number})


def _with_facts(report: Report, facts: list[Finding]) -> Report:
    """Facts that the diagnosed phase does not have too, behind its own faults."""
    known = {(item.check, str(item.where)) for item in report.findings}
    new = []
    for item in facts:
        if (item.check, str(item.where)) not in known:
            known.add((item.check, str(item.where)))
            new.append(item)
    if not new:
        return report
    faults = [item for item in report.findings if item.level == "fault"]
    rest = [item for item in report.findings if item.level != "fault"]
    reasons = dict(report.reasons)
    for item in new:
        if item.reason in reasons and reasons[item.reason].status != "found":
            reasons[item.reason] = RowStatus("found", item.summary)
    return replace(report, findings=(*faults, *new, *rest), reasons=reasons)
