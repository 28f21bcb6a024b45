"""What a check says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from paramedic.trace.place import Place

Level = Literal["fault", "suspect", "note"]
LEVELS: tuple[Level, ...] = ("fault", "suspect", "note")


BELOW_CHANCE = 1.05  # u; less above 1 is noise


def percent_learned(u: float) -> str:
    """The progress scale in words: how much of the way from chance (u = 1) to perfect (u = 0) is made."""
    if not math.isfinite(u):
        return f"{u}"
    return "less than nothing" if u > BELOW_CHANCE else f"{100 * min(1.0, max(0.0, 1 - u)):.0f} %"


@dataclass(frozen=True)
class Evidence:
    """One measured number with what is expected of it."""

    name: str
    value: Any
    expected: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Remedy:
    """What to change. ``patch`` is a unified diff on the user's file where one can be made.

    verified: what `paramedic fix --verify` measured with the patch (metric, before, after, helped); None before.
    """

    summary: str
    patch: str | None = None
    verified: dict[str, Any] | None = None


@dataclass(frozen=True)
class Proof:
    """An experiment's result: one thing changed, same seeds and batches.

    before, after: the medians over the seeds, in ``unit`` (u: 1 = knows nothing, 0 = perfect).
    interval: 95 % interval of the difference after - before.
    """

    experiment: str
    before: float
    after: float
    interval: tuple[float, float]
    seeds: int
    unit: str = "u"
    changed: str = ""


@dataclass(frozen=True)
class Finding:
    """A cause (or a hint of one).

    reason: row of the catalogue. summary: one line with the measured number, the expected one, and what to do.
    gain: effect of the remedy on the progress scale where an experiment measured it (for the ranking).
    explains: symptoms in other rows that this cause accounts for; rows named here are listed under it.
    exact: a deterministic fact about the program (wiring, protocol, shapes), as against a statistic.
    """

    reason: str
    check: str
    level: Level
    summary: str
    where: Place | None = None
    module: str | None = None
    evidence: tuple[Evidence, ...] = ()
    remedy: Remedy | None = None
    proof: Proof | None = None
    explains: tuple[str, ...] = ()
    exact: bool = False
    gain: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self, rank: int) -> dict[str, Any]:
        """The finding as schema "paramedic/1" has it."""
        where = None
        if self.where is not None or self.module is not None:
            where = {
                "file": self.where.file if self.where else None,
                "line": self.where.line if self.where else None,
                "module": self.module,
            }
        return {
            "rank": rank,
            "reason": self.reason,
            "check": self.check,
            "level": self.level,
            "summary": self.summary,
            "where": where,
            "evidence": [asdict(item) for item in self.evidence],
            "remedy": asdict(self.remedy) if self.remedy else None,
            "proof": asdict(self.proof) if self.proof else None,
            "explains": list(self.explains),
        }


NOT_SELECTED = "not selected"  # why a check is not checked that --select or --ignore leaves out
DATA_ONLY = "for `paramedic data` only"  # why a check is not applicable after a training program
Status = Literal["found", "passed", "not-applicable", "not-checked"]


@dataclass(frozen=True)
class Outcome:
    """What came of one check: its findings, or why there are none."""

    check: str
    reasons: tuple[str, ...]
    status: Status
    why: str = ""
    findings: Sequence[Finding] = ()
    seconds: float = 0.0
