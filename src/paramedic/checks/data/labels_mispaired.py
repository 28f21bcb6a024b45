"""Targets that belong to other rows than the inputs they come with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import model_place, passes, train_loaders
from paramedic.checks.data.places import REORDERING, calls, function_place, is_slice, line_behind, row_place
from paramedic.checks.data.samples import batches, loader_of, loader_sample, one_input, table
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.pairing import Pairing, pairing
from paramedic.trace.place import Place
from paramedic.trace.setup import LoaderRecord

LEAST_ROWS = 20
MOST_FOREIGN = 0.1  # of the disagreeing targets that no row of the dataset has
AGREEING = 0.99  # of the rows that are found again; 110 healthy loaders agree in all of them


class LabelsMispaired(Check):
    """The batches pair inputs with targets of other rows.

    What it measures: for every row of a batch that is found again in the dataset (or in the arrays that the batch is
    cut from), whether its target is the one that stands there; by hashes, exact.
    Why it matters: with wrong targets there is nothing to learn, or something wrong.
    Fix: index inputs and targets with one and the same index; shuffle them together; look at the collate function.
    Not a fault when: targets are changed on purpose (mixup; random label noise as regularization).
    References: the article's reason 4.
    """

    reason = "R04"
    name = "labels-mispaired"
    also = ("S4", "R03")
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        if case.data is not None and not case.loaders:
            raise NotApplicable("the target is no DataLoader whose batches could be compared with its dataset")
        if case.data is None and not batches(case):
            raise NotApplicable("no training batch was recorded")
        if all(batch.target is None for batch in batches(case)) and not case.loaders:
            raise NotApplicable("the loss has no target")
        examined: list[Pairing] = []
        drawn = table(case)
        if drawn is not None and drawn.pairs is not None:
            examined.append(drawn.pairs)
            what = "dataset" if drawn.source == "dataset" else "arrays that the batches are cut from"
            found = list(self._judge(drawn.pairs, f"the {what}", _place(case)))
            yield from found
            if found:
                return
        for record in train_loaders(case):
            pairs = _loader_pairs(case, record)
            if pairs is not None:
                examined.append(pairs)
                yield from self._judge(pairs, "its dataset", _place(case))
        if sum(item.matched for item in examined) < LEAST_ROWS:
            raise NotChecked(
                "the rows of the batches are not found again in their dataset (random augmentation?)"
            )

    def _judge(self, pairs: Pairing, what: str, where: Place | None) -> Iterator[Finding]:
        if pairs.matched < LEAST_ROWS or pairs.agreeing >= AGREEING * pairs.matched:
            return
        wrong = pairs.matched - pairs.agreeing
        if pairs.foreign > MOST_FOREIGN * wrong:
            return  # the targets are not those of other rows: they were changed (masked, smoothed, augmented)
        yield self.fault(
            f"{wrong} of {pairs.matched} rows come with another target than in {what} (expected 0; "
            f"{wrong / pairs.matched:.0%}, random pairing gives {1 - pairs.chance / pairs.matched:.0%}): index inputs "
            f"and targets alike",
            where=where,
            evidence=(Evidence("rows with another row's target", wrong, "0"),),
            remedy="index inputs and targets with the same index, and shuffle them together",
            explains=("R05", "R06", "R02", "R24", "R30", "R31", "R17", "labels-unrelated", "labels-shifted"),
            exact=True,
        )


def _place(case: Case) -> Place | None:
    """The user's collate function or dataset where there is one; else where the batch is cut."""
    record = loader_of(case)
    if record is None:
        return line_behind(model_place(case), is_slice, calls(*REORDERING))
    written = function_place(getattr(record.loader, "collate_fn", None), calls(*REORDERING))
    return written or row_place(record.dataset) or record.constructed or record.place


def _loader_pairs(case: Case, record: LoaderRecord) -> Pairing | None:
    sample = loader_sample(case, record)
    found = passes(case, record)
    if sample is None or not found or len(sample.tensors) < 2:
        return None
    inputs = np.concatenate(found[0].inputs)
    if not found[0].targets:
        return None
    targets = np.concatenate(found[0].targets)
    if not one_input(case):
        return None
    tensors = list(sample.tensors.values())
    hashes = [row_hashes(tensor) for tensor in tensors]
    first = next((item for item in hashes if np.isin(inputs, item).any()), None)
    second = next((item for item in hashes if item is not first and np.isin(targets, item).any()), None)
    if first is None or second is None:
        return None
    return pairing(inputs, targets, first, second)
