"""Every epoch draws the batches in the same shuffled order."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.data.passes import LEAST_AGAIN, Pass, passes, train_loaders
from paramedic.checks.finding import Evidence, Finding
from paramedic.trace.setup import LoaderRecord


class SamplerEpochNeverSet(Check):
    """A sampler that shuffles by the number of the epoch is never told that number.

    What it measures: the hashes of the rows of each pass over a loader whose sampler has ``set_epoch`` and shuffles:
        whether two passes draw the same batches in the same order.
    Why it matters: the sampler draws its order from a seed and the epoch, so that all processes agree. Without the
        epoch each is the repetition of the first: the same rows share a batch, in the same order, for all of the training.
    Fix: call ``sampler.set_epoch(epoch)`` at the start of every epoch.
    Not a fault when: the order is fixed on purpose (``shuffle=False``: then this says nothing).
    References: the article's reason 7; torch.utils.data.distributed.DistributedSampler.
    """

    reason = "R07"
    name = "sampler-epoch-never-set"
    needs = ("loader",)

    def examine(self, case: Case) -> Iterator[Finding]:
        records = [record for record in train_loaders(case) if _shuffles_by_epoch(record)]
        if not records:
            raise NotApplicable("no training loader has a sampler that shuffles by the number of the epoch")
        compared = 0
        for record in records:
            whole = [item for item in passes(case, record) if item.whole and len(item.inputs) >= LEAST_AGAIN]
            compared += max(0, len(whole) - 1)
            if len(whole) > 1 and all(_same(first, second) for first, second in pairwise(whole)):
                yield self._finding_of(record, whole)
                return
        if not compared:
            raise NotChecked(f"no two whole passes of at least {LEAST_AGAIN} batches were recorded")
        raise Passed("the passes over the training loader draw their batches in different orders")

    def _finding_of(self, record: LoaderRecord, whole: list[Pass]) -> Finding:
        kind = type(_sampler(record)).__name__
        return self.fault(
            f"all {len(whole[0].inputs)} batches come again in the same order in each of the first {len(whole)} epochs "
            f"(expected another order in each): {kind} was not told the epoch: call set_epoch",
            where=record.place or record.constructed,
            evidence=(Evidence("epochs in the same order", len(whole), "1"),),
            remedy="sampler.set_epoch(epoch) at the start of every epoch",
            exact=True,
        )


def _sampler(record: LoaderRecord) -> Any:
    sampler = getattr(record.loader, "sampler", None)
    if hasattr(sampler, "set_epoch"):
        return sampler
    batches = getattr(record.loader, "batch_sampler", None)
    return batches if hasattr(batches, "set_epoch") else getattr(batches, "sampler", None)


def _shuffles_by_epoch(record: LoaderRecord) -> bool:
    sampler = _sampler(record)
    return hasattr(sampler, "set_epoch") and bool(getattr(sampler, "shuffle", True))


def _same(first: Pass, second: Pass) -> bool:
    """Whether the batches are the same, by their inputs; where those are drawn anew (augmentation), by their targets."""
    if _equal(first.inputs, second.inputs):
        return True
    varied = len({tuple(item) for item in first.targets}) >= LEAST_AGAIN
    return varied and _equal(first.targets, second.targets)


def _equal(first: Any, second: Any) -> bool:
    return bool(first) and len(first) == len(second) and all(map(np.array_equal, first, second))
