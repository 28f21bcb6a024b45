"""All processes draw the same batches."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.across_ranks import agreement, data_parallel

LEAST_BATCHES = 4
LEAST_SHARE = 0.9  # of the batches; under a sampler that divides the data none is the same


class SameDataOnEveryRank(Check):
    """Every process of a data-parallel training sees the same batches.

    What it measures: the hashes of the rows of each rank's batches in its first pass, batch by batch.
    Why it matters: averaging equal gradients gives the same gradient: further processes add cost and nothing else,
        and an epoch is as long as with one.
    Fix: a torch.utils.data.distributed.DistributedSampler, with ``set_epoch`` in every epoch.
    Not a fault when: the ranks share the work on each batch (tensor or pipeline parallelism).
    References: the article's reason 3; torch.utils.data.distributed.DistributedSampler.
    """

    reason = "R03"
    name = "same-data-on-every-rank"
    also = ("R01",)
    needs = ("loader",)

    def examine(self, case: Case) -> Iterator[Finding]:
        ranks = data_parallel(case)
        count = min(len(item.batches) for item in ranks)
        if count < LEAST_BATCHES:
            raise NotChecked(f"{count} batches of each rank were recorded (at least {LEAST_BATCHES})")
        same = sum(len({item.batches[index] for item in ranks}) == 1 for index in range(count))
        if same < LEAST_SHARE * count or not any(agreement(ranks).values()):
            return
        loader = next((record for record in case.setup.loaders if record.role == "train"), None)
        yield self.fault(
            f"{same} of {count} batches are the same on all {len(ranks)} ranks (expected 0): give the loader a "
            "DistributedSampler",
            where=(loader.constructed or loader.place) if loader else None,
            evidence=(Evidence("same batches", same, "0"),),
            remedy="sampler=DistributedSampler(dataset) in place of shuffle=True, and sampler.set_epoch(epoch)",
            exact=True,
        )
