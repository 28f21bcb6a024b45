"""Targets that the inputs determine only a little."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place
from paramedic.checks.data.relations import LEAST_ROWS, relation_of
from paramedic.checks.finding import Evidence, Finding

P_RELATED = 0.01
WEAK_SKILL = 0.1  # share of the chance error that the best probe removes
MOST_WEAK_SKILL = 0.2  # its upper limit
NETWORK_LEARNS = 0.15  # share of its first loss by which the network's own loss falls


class RelationTooRandom(Check):
    """Inputs say little about the targets.

    What it measures: the share of the chance error that the best of three probes removes out of fold, with its upper
    limit; and whether the network itself does better than that.
    Why it matters: the loss cannot fall below what is random in the targets.
    Fix: better inputs, or a target that they determine; a network cannot supply what is not in the data.
    Not a fault when: a small edge is what the task offers (prices, clicks, medicine).
    References: the article's reason 5; Cover and Hart 1967.
    """

    reason = "R05"
    name = "relation-too-random"
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
        if relation.skill > WEAK_SKILL or relation.most > MOST_WEAK_SKILL or _network_learns(case):
            return
        related = relation.p <= P_RELATED
        yield self.note(
            f"inputs and targets are {'weakly related' if related else 'not visibly related'}: the best of three probes "
            f"removes {relation.skill:.0%} of the chance error on {found.rows} rows (at most {relation.most:.0%}): more "
            f"informative inputs would help more than another network",
            where=data_place(case),
            evidence=(
                Evidence("share of the chance error removed", relation.skill, f"> {WEAK_SKILL}"),
                Evidence("p of independence", relation.p, f"< {P_RELATED}"),
            ),
            remedy="look for inputs that determine the target, or for a target that the inputs determine",
        )


def _network_learns(case: Case) -> bool:
    losses = [row.loss for row in case.trace.steps()]
    tail = max(1, len(losses) // 10)
    if len(losses) < 2 * tail:
        return False
    first, last = sum(losses[:tail]) / tail, sum(losses[-tail:]) / tail
    return first > 0 and last < (1 - NETWORK_LEARNS) * first
