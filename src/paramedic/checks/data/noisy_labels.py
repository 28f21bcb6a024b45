"""Wrong labels among the training rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import target_place
from paramedic.checks.data.predicted import predicted
from paramedic.checks.data.probes import LEAST_PROBED_ROWS, Probes, probes_of, stronger_probe
from paramedic.checks.data.samples import batches, rows
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.label_noise import (
    CORE_SHARE,
    CoreError,
    Disagreement,
    Excess,
    confident_learning,
    core_error,
)

# Chosen on the calibrated half of the data sets (0 to 40 % flips, 105 to 305 rows, two seeds) and on the 44 kinds of tables
# whose classes overlap (benchmarks/overlaps.py, 667 of 105 to 750 rows, a quarter more for validation): alarms on 3 of
# these and on no clean set; 5, 10, 20 and 40 % flips are found in 11, 17, 16 and 13 of 18 cases. 2026-11-26.
LEAST_NOISE = 0.01  # lower limit of the share of wrong labels
ONE_CONFUSION = (
    0.8  # share of the wrong rows with one and the same pair (label, looks like): two classes overlap
)
LEAST_OF_CONFUSION = 0.05  # in place of LEAST_NOISE for those
LEAST_WRONG = 3
# A few wrong labels among few rows: where probes err little, half of the rows are typical, and three of them are wrong sooner
# (5 % flips of 300 rows are found in 23 of 28 cases, 18 by the surest third alone; of 105 rows in 17 of 44, before in 9).
# With this level no table of overlapping classes gets an alarm more (252 with 4 seeds), with 0.7 and 0.8 three and nine.
WIDE_SHARE = 0.5
FEW_ERRORS = 0.15
MOST_NOISE = (
    1.2  # of what labels at random disagree; beyond it the probes, not the labels, are wrong (exclusive or)
)
# Wrong labels lie everywhere, so that their rate q among typical rows is near that of all errors, e. Where classes overlap
# and probes can do the task, q was at most 3.2 e^2 on 300 rows or more, and 4 e^2 on fewer; when much is wrong, q / e tells
# more: it was at most 0.79 on 300 rows or more.
FEW_ROWS = 200
EXPLAINED = 0.82  # q / e; not with few rows
EXPLAINED_SQUARE, EXPLAINED_SQUARE_OF_FEW = 3.4, 4.0  # q / e^2
GOOD_PROBE = 0.88  # balanced accuracy on the labels as given, over that of a perfect probe at this noise
GOOD_PROBE_ON_FEW = 0.8  # balanced accuracy that few rows need besides
# Where validation labels are better than training labels, their errors tell how far classes overlap: q was at most
# 3.5 e^2 (e: upper 90 % limit on validation rows) where training rows are wrong more often only by chance.
HELD_SQUARE = 4.0
P_HELD = 0.05
# Or, whatever probes know of the task: the same probes contradict labels of training rows more often than those of validation
# rows, class by class. On the right labels of the calibrated half z was at most 1.6 and the share 0.09 (59 splits); 40 % flips
# of 300 rows give p < 0.001 in 11 of 12 cases. 2026-11-27.
Z_WORSE = 3.1  # p = 0.001
LEAST_EXCESS = 0.1
# Or: rows of which probes are sure are wrong as often as the others on which they agree. Flips of 20 and 40 % give 0.7 to
# 1.5 in 300 rows, overlapping tables up to 0.78. What the probes know beyond chance must be near what this much noise
# leaves to be known: with 20 % flips 0.84 of it or more, on overlapping tables 0.79 or less.
EVEN = 0.8
FAIR_SKILL = 0.84
LEAST_ROOM = 0.2  # share of what is to be known that noise leaves: below it any probe would do
ONCE = 0.75  # share of different rows among those of the recorded steps: short rows of tokens are equal by chance
SAME_TOKENS = 0.1  # share of the different rows; of sentences next to none are the same words in another order
EXPLAINS = ("R05", "R30", "R31", "R24", "conflicting-labels")
LEAST_HELD = 50  # validation rows on which the network is compared with the probes
BETTER = 0.05  # balanced accuracy of extra trees above that of the probes


class NoisyLabels(Check):
    """Some of the labels are wrong.

    What it measures: among the most typical rows of every class (those on which the out-of-fold probes agree and are
    most sure), the share that carries another label, with its lower 99 % limit. Classes overlap at their boundaries,
    noise is everywhere: it speaks only where typical rows disagree more often than overlapping classes make them. How far
    classes overlap is told by the errors on validation rows, if these are clearly fewer, else by all errors of probes
    that can do the task; or typical rows disagree as often as less typical ones. Otherwise noise and a hard task look
    alike.
    Why it matters: wrong labels bound the accuracy, and a network that memorizes them validates badly.
    Fix: look at the listed rows; correct or drop wrong ones; a robust loss or label smoothing if they cannot be found.
    Not a fault when: the listed rows turn out to be right.
    References: the article's reason 6; Northcutt, Jiang and Chuang 2021.
    """

    reason = "R06"
    name = "noisy-labels"
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if any(item.check in ("labels-unrelated", "labels-mispaired") for item in case.findings):
            raise NotApplicable("the labels do not belong to the inputs: see row R04")
        found = rows(case)
        probes = probes_of(case)
        if probes is None:
            raise NotApplicable(
                f"the targets are no class labels, or there are fewer than {LEAST_PROBED_ROWS} rows"
            )
        doubt = _doubt(probes, CORE_SHARE)
        if not isinstance(doubt, Doubt):
            wide = _doubt(probes, WIDE_SHARE)
            if isinstance(wide, Doubt) and wide.core.all.rate < FEW_ERRORS:
                doubt = wide
        more = probes.excess
        worse = more is not None and more.z > Z_WORSE and more.share > LEAST_EXCESS
        if worse and not isinstance(doubt, Doubt):
            yield self._worse_than_validation(case, probes, more)  # type: ignore[arg-type]
            return
        if isinstance(doubt, str):
            raise NotChecked(doubt)
        if doubt is None:
            return
        core, seen, held = doubt.core, doubt.seen, doubt.held
        if not worse:
            _doubt_the_probes(case, probes, doubt)
        listed = confident_learning(probes.mean, probes.codes)
        worst = [int(probes.kept[row]) for row in dict.fromkeys((*core.worst, *(listed or ())))]
        known = ", ".join(found.names(worst)) if found.index is not None else "recorded rows"
        yield self.suspect(
            f"{seen.wrong} of the {seen.rows} most typical rows carry another label than all that look like them: about "
            f"{seen.rate:.0%} of the labels are wrong, at least {seen.least:.1%} (expected 0; look at {known})"
            + (
                f"; on validation rows the probes err in {held.rate:.0%}, here in {core.all.rate:.0%}"
                if held is not None
                else ""
            ),
            where=found.place(worst) or target_place(case),
            evidence=(
                Evidence("wrong labels among typical rows", seen.rate, "0"),
                Evidence("lower 99 % limit", seen.least, f"<= {_least(core)}"),
                Evidence("accuracy of the best probe", core.accuracy, f">= {GOOD_PROBE}"),
                *(
                    (Evidence("its errors on validation rows", held.rate, f"{core.all.rate:.3f}"),)
                    if held is not None
                    else ()
                ),
                *((Evidence("labels that confident learning doubts", len(listed)),) if listed else ()),
            ),
            remedy="look at the listed rows; correct or drop wrong labels",
            explains=EXPLAINS,
            extra={"samples": ("train", tuple(worst))},
        )


    def _worse_than_validation(self, case: Case, probes: Probes, more: Excess) -> Finding:
        """Where the probes are too weak to say which labels are wrong, or how often by themselves."""
        found = rows(case)
        core = core_error(probes.linear, probes.nearby, probes.mean, probes.codes)
        listed = confident_learning(probes.mean, probes.codes) or ()
        worst = [int(probes.kept[row]) for row in dict.fromkeys((*core.worst, *listed))]
        known = ", ".join(found.names(worst)) if found.index is not None else "recorded rows"
        return self.suspect(
            f"probes contradict {more.here:.0%} of the labels of training rows that they have not met, and {more.there:.0%} of "
            f"those of validation rows that look alike (expected: as many; z = {more.z:.1f}): about {more.share:.0%} of the "
            f"training labels are wrong, at least {more.least:.0%} (look at {known})",
            where=found.place(worst) or target_place(case),
            evidence=(
                Evidence("labels of training rows that probes contradict", round(more.here, 3), f"{more.there:.3f}"),
                Evidence("z", round(more.z, 1), f"< {Z_WORSE}"),
                Evidence("lower 99 % limit of the share of wrong labels", round(more.least, 3)),
            ),
            remedy="look at where the labels of the training rows come from, and at the listed rows",
            explains=EXPLAINS,
            extra={"samples": ("train", tuple(worst))},
        )


@dataclass(frozen=True)
class Doubt:
    """What tells of wrong labels. seen: the typical rows that do; held: the errors on validation rows, where these do."""

    core: CoreError
    seen: Disagreement
    held: Disagreement | None


def _doubt(probes: Probes, share: float) -> Doubt | str | None:
    """From this share of the most typical rows; why there is no verdict, or None where they carry their labels."""
    core = core_error(probes.linear, probes.nearby, probes.mean, probes.codes, share)
    few = len(probes.codes) < FEW_ROWS
    held = probes.held or Disagreement(0, 0)  # whose errors may be any
    against = core.all.no_more_than(held) < P_HELD and core.core.rate > HELD_SQUARE * held.most**2
    even = not against and _is_even(core, few)
    seen = core.surer if even else core.core
    weak = core.accuracy < max(GOOD_PROBE * (1 - seen.rate), GOOD_PROBE_ON_FEW if few else 0.0)
    hopeless = not against and 1 - seen.rate / (1 - 1 / core.classes) < LEAST_ROOM
    if weak and not (against or even) or hopeless or seen.rate > MOST_NOISE * (1 - 1 / core.classes):
        return f"the best probe is right on {core.accuracy:.0%} of the rows only: noise or a hard task"
    if seen.least <= _least(core) or seen.wrong < LEAST_WRONG:
        return None
    if not (against or even) and seen.rate < _least_of_noise(1 - core.accuracy, few):
        return (
            f"typical rows disagree with their label no more often than where classes overlap ({seen.rate:.0%}, all "
            f"{1 - core.accuracy:.0%}): classes overlap, or a few labels are wrong"
        )
    return Doubt(core, seen, held if against else None)


def _doubt_the_probes(case: Case, probes: Probes, doubt: Doubt) -> None:
    """NotChecked where something else knows the task better than the probes that agree."""
    core, held = doubt.core, doubt.held
    if stronger_probe(case, probes) > core.accuracy + BETTER:
        raise NotChecked("another probe is clearly better than those that agree: the task is hard, not noisy")
    own = _network_on_new_rows(case)
    if own is not None and own > core.accuracy + BETTER:
        raise NotChecked(
            f"the network is right on {own:.0%} of rows that it met once, the probes on {core.accuracy:.0%}: the task is "
            f"hard, not noisy"
        )
    unseen = _network_on_validation(case)
    if held is None and probes.held is not None and unseen is not None and unseen > 1 - probes.held.rate + BETTER:
        raise NotChecked(
            f"the network is right on {unseen:.0%} of the validation rows, the probes on {1 - probes.held.rate:.0%}: the "
            f"task is hard, not noisy"
        )
    if _order_may_tell(rows(case).inputs):
        raise NotChecked("rows are the same tokens in other orders, which the probes do not see")


def _network_on_new_rows(case: Case) -> float | None:
    """How often the trained network agrees with the labels of rows that it met once at most, so that it has not memorized
    them; None where rows come again, or its answers cannot be had.
    """
    if case.data is not None:
        return None
    keys = np.concatenate([row_hashes(batch.inputs) for batch in batches(case)])
    if len(np.unique(keys)) < ONCE * len(keys):
        return None
    found = predicted(case)
    return float((found.classes == found.labels).mean()) if found is not None else None


def _network_on_validation(case: Case) -> float | None:
    """How often the trained network agrees with the labels of validation rows; None with few of them."""
    found = predicted(case, "validation") if case.data is None else None
    return float((found.classes == found.labels).mean()) if found is not None and len(found.labels) >= LEAST_HELD else None


def _order_may_tell(inputs: Tensor) -> bool:
    """Whether many rows of tokens have the same tokens as others, in another order: brackets, arithmetic, board positions."""
    if inputs.is_floating_point() or inputs.dim() != 2:
        return False
    rows = np.unique(inputs.cpu().numpy(), axis=0)
    _, counts = np.unique(np.sort(rows, axis=1), axis=0, return_counts=True)
    return float(counts[counts > 1].sum()) > SAME_TOKENS * len(rows)


def _least(core: CoreError) -> float:
    return LEAST_OF_CONFUSION if core.classes > 2 and core.concentration > ONE_CONFUSION else LEAST_NOISE


def _is_even(core: CoreError, few: bool) -> bool:
    """Whether rows are wrong wherever they lie, and the probes know what can be known; few rows do not tell."""
    chance = 1 - 1 / core.classes
    skill, room = 1 - (1 - core.accuracy) / chance, 1 - core.surer.rate / chance
    fair = room >= LEAST_ROOM and skill >= FAIR_SKILL * room
    return not few and fair and core.flatness >= EVEN and core.surer.least > _least(core)


def _least_of_noise(errors: float, few: bool) -> float:
    """The rate of disagreement among typical rows that overlapping classes do not reach, given that of all rows."""
    return EXPLAINED_SQUARE_OF_FEW * errors**2 if few else min(EXPLAINED * errors, EXPLAINED_SQUARE * errors**2)
