"""Targets that have nothing to do with the inputs."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np
import torch

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import data_place, model_place
from paramedic.checks.data.places import REORDERING, calls, line_behind, method_place, one_sided_line
from paramedic.checks.data.probes import similar_features
from paramedic.checks.data.relations import (
    LEAST_ROWS,
    MOST_ROWS,
    CaseRelation,
    examinable,
    network_learns,
    relation_of,
)
from paramedic.checks.data.samples import (
    class_labels,
    listed_rows,
    loader_of,
    one_input,
    regression_values,
    rows,
    undivided,
)
from paramedic.checks.finding import Evidence, Finding, Proof
from paramedic.measurements.data.reordering import Reordering, best_reordering
from paramedic.trace.place import Place

P_NONE = 0.01  # 499 permutations; prototypes: 1 of 78 healthy cases is above it, none from 200 rows on
MOST_SKILL = 0.25  # upper 99 % limit of the share of the chance error that the best probe removes
P_CONTROL = 0.01
# Of the rows' variance in the features that are tested. 22 data sets keep 0.44 (hashed words) to 1, independent columns
# 0.2 (300 of them) to 0.07 (3,000): a relation to the sum of such columns is not to be seen, 2026-11-26.
LEAST_KEPT = 0.3
# Standard deviations by which rows that look alike agree better once reordered than with permuted targets; the best of
# about 30 orders reaches 3.2 on shuffled pairs (60 draws of 442 rows), 5.6 (221 rows, of some of which the target is not
# known) to 175 where the order is the cause, 2026-11-26.
LEAST_Z = 5.0
LEAST_GAIN = 0.1  # lower limit, of what the rows most alike foretell
LISTING = ("sorted", "sort", "listdir", "glob", "iterdir", "scandir")


class LabelsUnrelated(Check):
    """Inputs and targets do not belong together.

    What it measures: three probes (logistic regression or ridge, nearest neighbours, extra trees), out of fold, and
    the kernel test HSIC, against permuted targets; and the same tests on weakly related labels that are planted on
    the same rows, as a control that they would have found something. Data alone cannot tell targets that were shuffled
    from targets that are random: this reading is given where the program's text has a shuffle, sort or permutation on
    which either inputs or targets depend, and not both; relation-too-random otherwise. Then the usual mistakes of order
    (names sorted as text, one list reversed, a table read by columns) are undone: a fault where the relation comes back.
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
        other = reordered(case)
        if other is not None:
            yield self._in_another_order(case, found, other)
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

    def _in_another_order(self, case: Case, found: CaseRelation, other: Reordering) -> Finding:
        unit = "of the labels right" if found.classes else "of the targets' variance"
        return self.fault(
            f"inputs and targets are unrelated as they are paired (p = {found.relation.p:.2g}, expected < {P_NONE}), and "
            f"fit in another order: {other.what} (then the rows most alike foretell {other.after:.0%} {unit}, "
            f"{other.before:.0%} as paired)",
            where=_listing_place(case),
            evidence=(
                Evidence("p of independence, as paired", found.relation.p, f"< {P_NONE}"),
                Evidence("z of the agreement in the other order", other.z, f"< {LEAST_Z}"),
            ),
            remedy="bring both lists into one order: sort by number and not by name, or look each target up by its row's name",
            proof=Proof(
                "the rows most alike, in the other order",
                round(other.before, 4),
                round(other.after, 4),
                (round(other.interval[0], 4), round(other.interval[1], 4)),
                1,
                unit,
                other.what,
            ),
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


def _reorders(node: ast.AST) -> bool:
    """What gives rows another order; a split of a single array shuffles it."""
    return calls(*REORDERING)(node) or (calls("train_test_split")(node) and len(node.args) == 1)  # type: ignore[attr-defined]


def shuffled_apart(case: Case) -> Place | None:
    """The line that puts inputs or targets, but not both, into another order."""
    return one_sided_line(data_place(case), _reorders) or one_sided_line(model_place(case), _reorders)


def reordered(case: Case) -> Reordering | None:
    """The order in which the targets of the whole list fit its rows; None where no mistake of order explains them."""
    listed = listed_rows(case)
    if listed is None or not one_input(case) or not examinable(listed.inputs):
        return None
    labels, values = class_labels(listed.target, rows(case).loss), regression_values(listed.target)
    given = labels if labels is not None else values
    if given is None or len(given) < LEAST_ROWS:
        return None
    targets = np.full(listed.count, np.nan)
    targets[listed.positions] = given
    chosen = np.sort(np.random.default_rng(0).permutation(len(given))[:MOST_ROWS])
    features = similar_features(listed.inputs[torch.from_numpy(chosen)])
    found = best_reordering(features, listed.positions[chosen], targets, labels is not None)
    return found if found is not None and found.z > LEAST_Z and found.interval[0] > LEAST_GAIN else None


def _listing_place(case: Case) -> Place | None:
    """Where the names were listed: in the user's dataset, else on the way to the loader."""
    record = loader_of(case)
    listing = calls(*LISTING)
    written = method_place(undivided(record.dataset)[0], "__init__", listing) if record is not None else None
    return written or shuffled_apart(case) or line_behind(data_place(case), listing, in_functions=True)
