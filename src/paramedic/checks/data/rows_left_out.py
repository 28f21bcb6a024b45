"""A small part of a dataset is trained on, and the rest is used for nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import SubsetRandomSampler

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.places import calls, line_behind
from paramedic.checks.data.samples import undivided
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.counterfactual import reached_on_both
from paramedic.trace.setup import LoaderRecord

LEAST_LEFT = 4.0  # unused rows, in rows that are trained on: more than any usual split sets aside (20 to 50 %)
PARTS = ("Subset", "SubsetRandomSampler", "random_split")
LEAST_GAP = 0.1  # of u between validation and training batches, as GAIN of the experiments: what more rows could gain


class RowsLeftOut(Check):
    """The training loader draws from a small part of its dataset, and no other loader from the rest.

    What it measures: the positions that subsets and subset samplers leave of the dataset behind the training loader, those of
    all other loaders on the same dataset, and the rows that none of them ever gives; and how much worse the trained network
    is on validation batches than on training batches.
    Why it matters: a subset that was made for a quick trial is still there: the network memorizes it.
    Fix: give the loader the whole training split.
    Not a fault when: a small part is wanted (a learning curve, active learning): a note unless the network overfits.
    References: the article's reason 9.
    """

    reason = "R09"
    name = "rows-left-out"

    def examine(self, case: Case) -> Iterator[Finding]:
        parts = [part for record in case.loaders if (part := _part_of(record)) is not None]
        drawn = [part for part in parts if part.record.role == "train" and part.positions is not None]
        if not drawn:
            raise NotApplicable("no training loader draws from a part of a dataset")
        for part in drawn:
            assert part.positions is not None
            beside = [item for item in parts if item.whole is part.whole]
            if any(item.positions is None for item in beside):
                continue  # another loader gives all of the rows
            used = np.unique(np.concatenate([item.positions for item in beside if item.positions is not None]))
            trained, left = len(np.unique(part.positions)), part.length - len(used)
            if left > LEAST_LEFT * trained:
                yield self._finding_of(case, part, trained, left)

    def _finding_of(self, case: Case, part: Part, trained: int, left: int) -> Finding:
        ended = reached_on_both(case)
        overfits = ended is not None and ended.validation - ended.train > LEAST_GAP
        effect = ""
        if ended is not None and overfits:
            own, held = 1 - ended.train, 1 - ended.validation
            effect = f"; the network is {own:.0%} of the way from chance to perfect on them, {held:.0%} in validation"
        return (self.suspect if overfits else self.note)(
            f"training uses {trained} of the {part.length} rows of its dataset, and {left} are used nowhere (expected: all but "
            f"what is set aside for validation){effect}",
            where=line_behind(part.record.constructed or part.record.place, calls(*PARTS)),
            evidence=(
                Evidence("rows that are trained on", trained, f"about {part.length}"),
                Evidence("rows that no loader gives", left, f"<= {LEAST_LEFT:g} times those"),
            ),
            remedy="give the training loader the whole training split",
            explains=("too-few-examples", "R30", "R29", "R24", "S2"),
            exact=False,
        )


@dataclass(frozen=True)
class Part:
    """What a loader draws from: ``positions`` in a dataset of ``length`` rows; None for all of them."""

    record: LoaderRecord
    whole: Any
    length: int
    positions: np.ndarray[Any, Any] | None


def _part_of(record: LoaderRecord) -> Part | None:
    whole, positions = undivided(record.dataset)
    sampler = getattr(record.loader, "sampler", None)
    if isinstance(sampler, SubsetRandomSampler):
        chosen = np.asarray(sampler.indices)
        positions = chosen if positions is None else positions[chosen]
    try:
        return Part(record, whole, len(whole), positions)
    except TypeError:  # an iterable has no length
        return None
