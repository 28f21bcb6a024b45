"""One process has more batches than another, and waits for it."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, Passed
from paramedic.checks.data.passes import data_place
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.across_ranks import data_parallel
from paramedic.trace.setup import RankFacts


class UnevenBatchesAcrossRanks(Check):
    """The processes of a data-parallel training have different numbers of batches.

    What it measures: the batches of every complete pass, and the backward calls, of each rank; and how each ended.
    Why it matters: every backward call waits for that of all other ranks. A rank with a batch more pairs it with another
        rank's next epoch, and at the end waits for a process that is gone: the training hangs, or stops with an error of
        the connection.
    Fix: a DistributedSampler (it pads to equal numbers, or drops with ``drop_last=True``), or equal parts by hand, or
        ``with model.join():`` around the loop.
    Not a fault when: the training came to its end (``join`` allows it).
    References: the article's reason 3; torch.distributed.algorithms.join.
    """

    reason = "R03"
    name = "uneven-batches-across-ranks"
    needs = ("setup",)

    def examine(self, case: Case) -> Iterator[Finding]:
        ranks = data_parallel(case)
        uneven = _uneven(ranks)
        if uneven is None:
            raise Passed("all ranks have the same number of batches, as far as was seen")
        what, numbers = uneven
        if all(item.complete for item in ranks):
            raise Passed(f"the ranks made different numbers of {what}, and all came to their end")
        said = ", ".join(f"rank {item.rank} {number}" for item, number in zip(ranks, numbers, strict=True))
        yield self.fault(
            f"the ranks have different numbers of {what} ({said}): the one with more waits for the others in vain: give "
            "every rank as many",
            where=data_place(case),
            evidence=(Evidence(what, said, "the same on every rank"),),
            remedy="a DistributedSampler, as many rows for every rank, or `with model.join():` around the loop",
            exact=True,
        )


def _uneven(ranks: list[RankFacts]) -> tuple[str, list[int]] | None:
    """What differs, and its number for each rank; None if nothing does."""
    for number in range(min(len(item.passes) for item in ranks)):
        counts = [item.passes[number] for item in ranks]
        if len(set(counts)) > 1:
            return f"batches in epoch {number + 1}", counts
    ended = [item.backwards for item in ranks if item.complete]
    others = [item.backwards for item in ranks if not item.complete]
    if ended and others and min(ended) < max(others):
        return "backward calls", [item.backwards for item in ranks]
    return None
