"""Everything known about a run: what a check examines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paramedic.checks.check import NotChecked
from paramedic.trace.setup import Setup
from paramedic.trace.store import Trace

if TYPE_CHECKING:
    from paramedic.experiments.lab import Lab


@dataclass
class Case:
    """A run: its trace, its live set-up (None when a stored trace is examined later), and the lab.

    findings: what earlier checks found, for checks that build on others.
    thresholds: overrides from the configuration, "check-name.threshold" -> value.
    """

    trace: Trace
    live: Setup | None = None
    workshop: Lab | None = None
    findings: list[Any] = field(default_factory=list)
    thresholds: dict[str, float] = field(default_factory=dict)

    @property
    def setup(self) -> Setup:
        """The live objects; NotChecked when only a stored trace is at hand."""
        if self.live is None:
            raise NotChecked("needs the live program: run it again with `paramedic run`")
        return self.live

    @property
    def lab(self) -> Lab:
        """Replays and experiments; NotChecked when the recorded steps cannot be run again."""
        if self.workshop is None:
            raise NotChecked("needs the live program: run it again with `paramedic run`")
        return self.workshop

    def missing(self, need: str) -> str | None:
        """Why ``need`` (see ``Check.needs``) is not there; None if it is."""
        if need == "trace":
            return None
        if self.live is None:
            return "needs the live program: run it again with `paramedic run`"
        if need == "setup":
            return None if self.live.models or self.live.optimizers else "no training was observed"
        if need == "replay":
            return self.lab.why_not_replayable()
        if need == "evaluation":
            return None if self.live.evaluations else "no validation pass was observed"
        if need == "loader":
            return None if self.live.loaders else "no DataLoader was used"
        if need == "budget":
            return self.lab.why_no_budget()
        raise ValueError(f"unknown need: {need}")
