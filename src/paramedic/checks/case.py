"""Everything known about a run: what a check examines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.checks.finding import DATA_ONLY
from paramedic.trace.dataset import DataRecord
from paramedic.trace.setup import LoaderRecord, Setup
from paramedic.trace.store import Trace

if TYPE_CHECKING:
    from paramedic.experiments.lab import Lab


NO_NETWORK = "no network: run the training program with `paramedic run`"


@dataclass
class Case:
    """A run: its trace, its live set-up (None when a stored trace is examined later), and the lab; or a data set.

    data: the data set of an audit without a program; then there is no set-up and no lab.
    running: the program has not ended yet, and may still do what it has not done.
    findings: what earlier checks found, for checks that build on others.
    thresholds: overrides from the configuration, "check-name.threshold" -> value.
    why_not_live: what a check that needs live objects says when there are none.
    """

    trace: Trace
    live: Setup | None = None
    workshop: Lab | None = None
    findings: list[Any] = field(default_factory=list)
    thresholds: dict[str, float] = field(default_factory=dict)
    why_not_live: str = "needs the live program: run it again with `paramedic run`"
    data: DataRecord | None = None
    running: bool = False

    @property
    def subject(self) -> Setup | DataRecord:
        """What is examined: the data set, or the live program. Rows and measurements are remembered under it."""
        return self.data if self.data is not None else self.setup

    @property
    def loaders(self) -> list[LoaderRecord]:
        """The loaders of the program, or of the data set."""
        return self.subject.loaders

    @property
    def setup(self) -> Setup:
        """The live objects; NotChecked when only a stored trace is at hand, NotApplicable without a program."""
        if self.data is not None:
            raise NotApplicable(NO_NETWORK)
        if self.live is None:
            raise NotChecked(self.why_not_live)
        return self.live

    @property
    def lab(self) -> Lab:
        """Replays and experiments; NotChecked when the recorded steps cannot be run again."""
        if self.workshop is None:
            raise NotChecked(self.why_not_live)
        return self.workshop

    def missing(self, need: str) -> str | None:
        """Why ``need`` (see ``Check.needs``) is not there; None if it is."""
        if need == "trace" and self.data is None:
            return None
        if self.data is not None:
            return self._missing_from_data(need)
        if self.live is None:
            return self.why_not_live
        if need == "data":
            raise NotApplicable(DATA_ONLY)
        if need in ("setup", "rows"):
            return None if self.live.models or self.live.optimizers else "no training was observed"
        if need == "replay":
            return self.lab.why_not_replayable()
        if need in ("evaluation", "validation rows"):
            return None if self.live.evaluations else "no validation pass was observed"
        if need == "loader":
            return None if self.live.loaders else "no DataLoader was used"
        if need == "budget":
            return self.lab.why_no_budget()
        raise ValueError(f"unknown need: {need}")

    def _missing_from_data(self, need: str) -> str | None:
        """A data set alone has rows, perhaps in two splits, and perhaps loaders; NotApplicable for what it cannot have."""
        assert self.data is not None
        if need in ("rows", "data"):
            return None
        if need == "validation rows":
            if self.data.split("validation") is None:
                raise NotApplicable("there is one split only: name the other with --split train=... val=...")
            return None
        if need == "loader" and self.data.loaders:
            return None
        raise NotApplicable(NO_NETWORK if need != "loader" else "the target is no DataLoader")
