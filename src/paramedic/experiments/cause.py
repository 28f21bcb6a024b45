"""The base of the checks that stand behind a remedy: what is proven by the counterfactual is said by them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding, Level
from paramedic.experiments.counterfactual import Diagnosis, Trial, diagnosis_of_any, proven
from paramedic.experiments.wording import SYMPTOMS, run_evidence
from paramedic.trace.place import Place


@dataclass(frozen=True)
class Cause:
    """What a check says of a proven cause: its message, where it is in the program, and what to do."""

    summary: str
    where: Place | None
    remedy: str
    evidence: tuple[Evidence, ...] = ()
    module: str | None = None


class CauseByExperiment(Check):
    """A check whose remedy, tried in a replay, is the one change that makes the failing run learn."""

    after_facts = 2
    level: ClassVar[Level] = "fault"
    explains: ClassVar[tuple[str, ...]] = SYMPTOMS

    @abstractmethod
    def describe(self, case: Case, found: Diagnosis, trial: Trial) -> Cause:
        """The cause in words."""

    def examine(self, case: Case) -> Iterator[Finding]:
        trial = proven(case, self.name)
        if trial is not None:
            yield self.finding(case, trial)

    def finding(self, case: Case, trial: Trial) -> Finding:
        found = diagnosis_of_any(case)
        cause = self.describe(case, found, trial)
        return self._finding(
            self.level,
            cause.summary,
            where=cause.where,
            module=cause.module,
            evidence=(*cause.evidence, *run_evidence(found, trial)),
            remedy=cause.remedy,
            proof=trial.proof(),
            gain=trial.gain,
            explains=self.explains,
            extra={"cause": found.causes.index(trial)},
        )
