"""The piece of the program that, added to what learns, makes it fail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.cannot_overfit_tiny_set import UNLEARNED
from paramedic.experiments.counterfactual import (
    GAIN,
    SEEDS,
    Diagnosis,
    Trial,
    diagnosis,
    known_fault,
    run,
    run_or_fail,
)
from paramedic.experiments.interventions import Together
from paramedic.experiments.lab import Lab
from paramedic.experiments.ladder import Piece, isolate, pieces
from paramedic.experiments.wording import learned, percent


class PieceBreaksTraining(Check):
    """Without all that the program can do without it learns; one piece of it, added back, makes it fail.

    What it measures: how much is learned (0 % = chance, 100 % = perfect) after replays without regularization,
        schedule, clipping and every layer or operation that keeps the shape of its input, with Adam, standard initial
        weights and standardized inputs. Where that learns and the program does not, the pieces are added back by delta
        debugging until the fewest are found that make it fail; with and without them is compared on three seeds.
    Why it matters: a defect in the program's own layers shows in no single setting of its training.
    Fix: look at the named piece: it is what stands between the program and learning.
    Not a fault when: the run learned; or when only several pieces together fail, which is said.
    References: the article's first response; Zeller & Hildebrandt, "Simplifying and isolating failure-inducing
        input", 2002.
    """

    reason = "S6"
    name = "piece-breaks-training"
    needs = ("replay", "budget")
    cost = "experiment"
    after_facts = 2

    def examine(self, case: Case) -> Iterator[Finding]:
        lab, found = case.lab, diagnosis(case)
        if found.ended.train < UNLEARNED:
            raise NotApplicable(f"the program learned ({learned(found.ended.train)} at the end)")
        known = known_fault(case.findings)
        if found.causes or known is not None:
            raise NotApplicable("the cause is known")
        if not found.base or found.not_tried is not None:
            raise NotChecked(found.not_tried or f"budget of {lab.budget:g} s used up")
        ladder = _Ladder(lab, found, pieces(case))
        if not ladder.pieces:
            raise NotApplicable("there is nothing that the program could do without")
        floor = ladder.u([])
        if found.base[0].train - floor <= GAIN or floor >= UNLEARNED:
            raise Passed(
                f"without {len(ladder.pieces)} pieces that it can do without, the network does not learn either ("
                f"{learned(floor)} after {found.steps} steps): see S1 for a simple model in its place"
            )
        ladder.limit = (floor + found.base[0].train) / 2
        guilty = isolate(ladder.pieces, ladder.fails)
        trial = ladder.compared(guilty)
        if not trial.helps():
            raise Passed(f"{_names(guilty)}: added back alone, no significant harm on three seeds")
        yield self._finding_of(found, trial, guilty, len(ladder.pieces))

    def _finding_of(self, found: Diagnosis, trial: Trial, guilty: Sequence[Piece], count: int) -> Finding:
        if len(guilty) == 1:  # `paramedic replay` tries one thing beside the others
            found.trials.append(trial)
        together = " together" if len(guilty) > 1 else ""
        return self.suspect(
            f"{_names(guilty)}{together} {'keep' if together else 'keeps'} the network from learning: added to the "
            f"smallest version that learns ({learned(trial.after())} after {found.steps} steps) it leaves "
            f"{percent(trial.before())}; the other {count - len(guilty)} pieces do not",
            where=guilty[0].where,
            module=guilty[0].module,
            evidence=(
                Evidence("u at the end of the run", round(found.ended.train, 4), "below 0.2", "u"),
                Evidence("pieces added back one after the other", count),
            ),
            remedy=f"look at {_names(guilty)}: leave it out, or mend it",
            proof=trial.proof(),
            gain=trial.gain,
            explains=("S1", "S5", "R27", "A1", "R16", "R17", "R33", "R35"),
        )


def _names(guilty: Sequence[Piece]) -> str:
    return " and ".join(item.name for item in guilty)


class _Ladder:
    """Replays of the program with some of its pieces, and without the others."""

    def __init__(self, lab: Lab, found: Diagnosis, given: Sequence[Piece]) -> None:
        self.lab, self.found, self.pieces = lab, found, list(given)
        self.limit = UNLEARNED
        self._known: dict[frozenset[int], float] = {}

    def without(self, kept: Sequence[Piece]) -> list[Piece]:
        return [item for item in self.pieces if item not in kept]

    def u(self, kept: Sequence[Piece]) -> float:
        """u with these pieces alone, on the first seed."""
        key = frozenset(map(id, kept))
        if key not in self._known:
            change = Together([item.without for item in self.without(kept)])
            self._known[key] = run_or_fail(self.lab, self.found, change, 0).train
        return self._known[key]

    def fails(self, kept: Sequence[Piece]) -> bool:
        return self.u(kept) > self.limit

    def compared(self, guilty: Sequence[Piece]) -> Trial:
        """The smallest version with the guilty pieces, and without them."""
        others = tuple(item.without for item in self.without(guilty))
        trial = Trial(Together([item.without for item in guilty]), beside=others)
        for seed in range(SEEDS):
            for change, outcomes in (
                (Together(others), trial.base), (Together([*others, trial.remedy]), trial.outcomes),
            ):  # fmt: skip
                outcomes.append(run(self.lab, self.found, change, seed, self.found.steps))
        return trial
