"""The base of every check, and the ways to end without an alarm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from paramedic.checks.finding import Evidence, Finding, Level, Remedy
from paramedic.trace.place import Place

if TYPE_CHECKING:
    from paramedic.checks.case import Case


class NotApplicable(Exception):
    """The program has nothing that this check speaks about; the text says what is absent."""


class Passed(Exception):
    """Examined and without an alarm; the text gives the numbers, for the row's status."""


class Refuted(Passed):
    """An experiment shows that the suspicion it decides about is wrong: that is taken back. The text gives the numbers."""


class NotChecked(Exception):
    """The check would apply but could not be made; the text says why."""


class Check:
    """One fault. Subclasses set the class attributes, have the page of docs as docstring, and ``examine``.

    reason: the row ("R19"); also: further rows that the check speaks for.
    name: the fault in lower case with hyphens; the printed diagnostic reads "R19 softmax-before-cross-entropy".
    needs: what the case must have: "trace" (always there), "setup" (live objects), "replay" (at least one
        recorded step that can be run again), "evaluation" (a recorded validation batch), "loader", "budget"
        (time for experiments). What is missing makes the check "not checked" with the reason.
    cost: "free", "replay" (a few forward and backward passes) or "experiment" (short trainings).
    after_facts: it builds on what is wrong for certain, and is made after all checks that can say so (1); 2 for those
        that are made last.
    early: comes before the other checks of its cost, for what they find would be its symptoms.
    at_once: a fault that it finds in the first steps holds for the whole run, whatever the program does later: it is
        said while the program runs.
    decides: a check whose suspicion it proves or refutes: what it finds takes the place of that, under that check's name.
    """

    reason: ClassVar[str]
    name: ClassVar[str]
    also: ClassVar[tuple[str, ...]] = ()
    needs: ClassVar[tuple[str, ...]] = ("setup",)
    cost: ClassVar[str] = "free"
    after_facts: ClassVar[int] = 0
    early: ClassVar[bool] = False
    at_once: ClassVar[bool] = False
    decides: ClassVar[str] = ""

    def examine(self, case: Case) -> Iterator[Finding]:
        """Yield findings; raise NotApplicable or NotChecked with the reason where there is no verdict, Passed
        with the numbers where the row is to show them."""
        raise NotImplementedError

    def fault(self, summary: str, **details: Any) -> Finding:
        """An exact fact, or a cause proven by experiment."""
        return self._finding("fault", summary, **details)

    def suspect(self, summary: str, **details: Any) -> Finding:
        """Significant evidence, unproven."""
        return self._finding("suspect", summary, **details)

    def note(self, summary: str, **details: Any) -> Finding:
        """Worth knowing; never an alarm."""
        return self._finding("note", summary, **details)

    def _finding(
        self,
        level: Level,
        summary: str,
        *,
        where: Place | None = None,
        module: str | None = None,
        evidence: tuple[Evidence, ...] = (),
        remedy: Remedy | str | None = None,
        reason: str | None = None,
        **details: Any,
    ) -> Finding:
        return Finding(
            reason=reason or self.reason,
            check=self.name,
            level=level,
            summary=summary,
            where=where,
            module=module,
            evidence=evidence,
            remedy=Remedy(remedy) if isinstance(remedy, str) else remedy,
            **details,
        )
