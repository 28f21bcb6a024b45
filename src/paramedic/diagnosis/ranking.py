"""Evidence to ranked causes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import LEAST_EFFECT, Fact

LEVEL_ORDER = {"fault": 0, "suspect": 1, "note": 2}

# Where several exact facts stand side by side, the one that happens earlier in the flow of a step is the cause
# of those that come later: protocol and data first, then wiring, loss, mode, and symptoms last.
STAGE_ORDER: tuple[tuple[str, ...], ...] = (
    ("R01", "R03", "R04", "S4"),
    ("R02",),
    ("R23", "R34"),
    ("R19",),  # what a loss is given is more specific than that the loss cannot be right
    ("R22", "R26"),  # the minimum of a loss cannot be told from a gradient that is not its own
    ("R18",),
    ("R25", "R22", "R26"),
    ("R32", "R15", "R14", "S3"),
    ("R21",),
    ("R07", "R10"),
    ("R12", "R20"),
    ("R30", "S2", "R13"),
    ("R28",),
    ("R36",),
    ("R11", "R31", "R29", "R34"),
    ("R24", "R08", "R06", "R05", "R09"),
    ("R35", "R33", "R37"),
    ("S6",),  # it names a piece
    ("S5", "R27", "R17", "S1", "A1", "R16"),
)
# What is seen when something else is wrong: listed under a proven cause, and never ahead of a suspected one. Row S6 is
# none: it names the piece that does it, with a proof.
SYMPTOMS = frozenset({"R35", "R33", "S5", "R27", "R17", "S1", "A1", "R16", "R29", "R31"})
SYMPTOM_CHECKS = frozenset({"loss-diverges"})  # of rows that hold causes as well
_STAGE = {row: number for number, rows in reversed(list(enumerate(STAGE_ORDER))) for row in rows}


def rank(findings: Sequence[Finding]) -> list[Finding]:
    """Causes before symptoms before notes, faults before suspects; exact facts first; then by stage.

    A finding whose row or check is named in ``explains`` of a better-ranked alarm, and every symptom where there
    is a fault that is none, is dropped from the list and stays visible under its cause.
    """
    ordered = sorted(findings, key=_key)
    kept: list[Finding] = []
    for finding in ordered:
        cause = next((item for item in kept if item.level != "note" and _explains(item, finding)), None)
        if cause is None:
            kept.append(finding)
            continue
        position = kept.index(cause)
        line = f"{finding.reason} {finding.check}: {finding.summary}"
        known = tuple(text for text in cause.explains if text not in (finding.reason, finding.check))
        kept[position] = replace(cause, explains=(*known, line) if line not in known else known, extra=cause.extra | {
            "explains_rows": tuple({*cause.extra.get("explains_rows", ()), *cause.explains})
        })
    return [_without_unseen_rows(item) for item in kept]


def _key(finding: Finding) -> tuple[float, ...]:
    return (
        1 if finding.level == "note" else 0,
        1 if is_symptom(finding) else 0,
        LEVEL_ORDER[finding.level],
        1 if finding.extra.get("harmless") else 0,
        0 if finding.exact else 1,
        finding.extra.get("cause", -1),
        _STAGE.get(finding.reason, len(STAGE_ORDER)),
        -(finding.gain or 0.0),
    )


def with_proof(finding: Finding, fact: Fact) -> Finding:
    """An exact fact with what mending it changed: the proof that it hurts, or that training goes as well with it."""
    trial = fact.trial
    if trial is None or finding.level != "fault" or finding.proof is not None:
        return finding
    if fact.harmless:
        values = [round(trial.before(), 2), round(trial.after(), 2)]
        evidence = Evidence("u with it, and with it mended (it does no harm here)", values, "a fall", "u")
        return replace(finding, evidence=(*finding.evidence, evidence), extra=finding.extra | {"harmless": True})
    if trial.gain > LEAST_EFFECT and trial.significant():
        return replace(finding, proof=trial.proof(), gain=trial.gain)
    return finding


def is_symptom(finding: Finding) -> bool:
    """A symptom's row or check, unless it is a fact, or mending it was proven to make the network learn."""
    if finding.level == "fault" and (finding.proof is not None or finding.reason in ("R17", "R31") and finding.exact):
        return False
    return finding.reason in SYMPTOMS or finding.check in SYMPTOM_CHECKS


def _explains(cause: Finding, finding: Finding) -> bool:
    if finding.check in cause.extra.get("in_place_of", ()):
        return True  # proven by the same change, which repairs what the cause does
    if finding.extra.get("cause") is not None and finding.level == "fault":
        return False  # proven beside the better causes, with these mended
    if cause.level == "fault" and finding.level != "note" and is_symptom(finding) and not is_symptom(cause):
        return True
    rows = {*cause.explains, *cause.extra.get("explains_rows", ())}
    return finding.reason in rows or finding.check in rows


def _without_unseen_rows(finding: Finding) -> Finding:
    """``explains`` in the report lists what was really seen ("R35 vanishing-gradients: ..."), not what could be."""
    return replace(finding, explains=tuple(text for text in finding.explains if ": " in text))
