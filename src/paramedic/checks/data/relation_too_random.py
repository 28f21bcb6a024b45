"""Targets that the inputs determine only a little."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.labels_unrelated import MOST_SKILL, P_CONTROL, unrelated
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.relations import LEAST_ROWS, network_learns, relation_of
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.relation import Relation

P_RELATED = 0.01
WEAK_SKILL = 0.1  # share of the chance error that the best probe removes
MOST_WEAK_SKILL = 0.2  # its upper limit


class RelationTooRandom(Check):
    """Inputs say little about the targets.

    What it measures: the share of the chance error that the best of three probes removes out of fold, with its upper
    limit; and whether the network itself does better than that on batches that it had not seen before. A suspicion
    where nothing relates them at all (as labels-unrelated measures it) and no line puts only one of the two into another
    order; a note where a weak relation is found.
    Why it matters: the loss cannot fall below what is random in the targets.
    Fix: better inputs, or a target that they determine; a network cannot supply what is not in the data.
    Not a fault when: a small edge is what the task offers (prices, clicks, medicine).
    References: the article's reason 5; Cover and Hart 1967.
    """

    reason = "R05"
    name = "relation-too-random"
    also = ("R04",)
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if any(item.check in ("labels-unrelated", "labels-mispaired") for item in case.findings):
            raise NotApplicable("the targets do not belong to the inputs: see row R04")
        found = relation_of(case)
        if found is None:
            raise NotApplicable(
                "the targets are no class labels or single values (or are the inputs themselves)"
            )
        if found.rows < LEAST_ROWS:
            raise NotChecked(f"{found.rows} rows are too few to tell (at least {LEAST_ROWS})")
        relation = found.relation
        if case.data is None and unrelated(case, found):
            yield self.suspect(
                f"inputs say nothing about the targets: the best of three probes removes {relation.skill:.0%} of the chance "
                f"error on {found.rows} rows (at most {relation.most:.0%}; p = {relation.p:.2g}, expected < {P_RELATED}), and "
                f"the network does no better: random targets, or inputs that do not determine them (row R05); if they should, "
                f"look whether something pairs rows wrongly (row R04)",
                where=data_place(case),
                evidence=(
                    *_evidence(relation),
                    Evidence("upper limit of the skill", relation.most, f">= {MOST_SKILL}"),
                    Evidence("p of the planted control", found.control(), f"< {P_CONTROL}"),
                ),
                remedy="look at where the targets come from; then for inputs that determine them",
                explains=("R04", "R02", "R06", "R24", "R31", "R30", "R17", "R36"),
            )
            return
        if relation.skill > WEAK_SKILL or relation.most > MOST_WEAK_SKILL or network_learns(case):
            return
        related = relation.p <= P_RELATED
        yield self.note(
            f"inputs and targets are {'weakly related' if related else 'not visibly related'}: the best of three probes "
            f"removes {relation.skill:.0%} of the chance error on {found.rows} rows (at most {relation.most:.0%}): more "
            f"informative inputs would help more than another network",
            where=data_place(case),
            evidence=_evidence(relation),
            remedy="look for inputs that determine the target, or for a target that the inputs determine",
        )


def _evidence(relation: Relation) -> tuple[Evidence, ...]:
    return (
        Evidence("share of the chance error removed", relation.skill, f"> {WEAK_SKILL}"),
        Evidence("p of independence", relation.p, f"< {P_RELATED}"),
    )
