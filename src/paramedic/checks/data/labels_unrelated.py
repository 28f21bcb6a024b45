"""Targets that have nothing to do with the inputs."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place, model_place
from paramedic.checks.data.places import REORDERING, calls, one_sided_line
from paramedic.checks.data.relations import LEAST_ROWS, CaseRelation, network_learns, relation_of
from paramedic.checks.finding import Evidence, Finding
from paramedic.trace.place import Place

P_NONE = 0.01  # 499 permutations; prototypes: 1 of 78 healthy cases is above it, none from 200 rows on
MOST_SKILL = 0.25  # upper 99 % limit of the share of the chance error that the best probe removes
P_CONTROL = 0.01
# Of the rows' variance in the features that are tested. 22 data sets keep 0.44 (hashed words) to 1, independent columns
# 0.2 (300 of them) to 0.07 (3,000): a relation to the sum of such columns is not to be seen, 2026-11-26.
LEAST_KEPT = 0.3


class LabelsUnrelated(Check):
    """No test finds any relation between inputs and targets.

    What it measures: three probes (logistic regression or ridge, nearest neighbours, extra trees), out of fold, and
    the kernel test HSIC, against permuted targets; and the same tests on weakly related labels that are planted on
    the same rows, as a control that they would have found something. Data alone cannot tell targets that were shuffled
    from targets that are random: this reading is given where the program's text has a shuffle, sort or permutation on
    which either inputs or targets depend, and not both; relation-too-random otherwise.
    Why it matters: if inputs and targets were shuffled apart, no network can learn anything but the commonest target.
    Fix: look at twenty rows with their targets; shuffle, sort and filter inputs and targets together.
    Not a fault when: the relation is of a kind that simple probes cannot see (parity, long-range order).
    References: the article's reason 4; Gretton et al. 2007; Ojala and Garriga 2010.
    """

    reason = "R04"
    name = "labels-unrelated"
    also = ("R05",)
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        found = relation_of(case)
        if found is None:
            raise NotApplicable(
                "the targets are no class labels or single values (or are the inputs themselves)"
            )
        if found.rows < LEAST_ROWS:
            raise NotChecked(f"{found.rows} rows are too few to tell (at least {LEAST_ROWS})")
        if not unrelated(case, found):
            return
        where = shuffled_apart(case)
        if where is None and case.data is None:
            return  # see relation-too-random
        yield self.suspect(
            f"inputs and targets are unrelated: the best of three probes removes {found.relation.skill:.0%} of the "
            f"chance error on {found.rows} rows (at most {found.relation.most:.0%}; p = {found.relation.p:.2g}, "
            f"expected < {P_NONE}): {'one of them is put into another order here' if where else 'were they shuffled apart?'}",
            where=where or data_place(case),
            evidence=(
                Evidence("p of independence", found.relation.p, f"< {P_NONE}"),
                Evidence("upper limit of the skill", found.relation.most, f">= {MOST_SKILL}"),
                Evidence("p of the planted control", found.control(), f"< {P_CONTROL}"),
            ),
            remedy="print twenty rows with their targets; shuffle, sort and filter inputs and targets together",
            explains=("R05", "R02", "R06", "R24", "R31", "R30", "R17", "R36"),
        )


def unrelated(case: Case, found: CaseRelation) -> bool:
    """Whether nothing relates inputs and targets; NotChecked where the tests would not find a weak relation either."""
    if found.relation.p <= P_NONE or found.relation.most >= MOST_SKILL or network_learns(case):
        return False
    if found.kept < LEAST_KEPT:
        raise NotChecked(
            f"the leading components keep {found.kept:.0%} of what the rows differ in (at least {LEAST_KEPT:.0%}): a relation "
            f"to the rest would not be seen"
        )
    if found.control() > P_CONTROL:
        raise NotChecked("the tests would not find a weak relation among these rows either")
    return True


def shuffled_apart(case: Case) -> Place | None:
    """The line that puts inputs or targets, but not both, into another order."""
    return one_sided_line(data_place(case), calls(*REORDERING)) or one_sided_line(model_place(case), calls(*REORDERING))
