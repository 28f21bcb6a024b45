"""Every process starts from weights of its own."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.across_ranks import LEAST_STEPS, agreement, data_parallel, same_start


class RanksStartWithDifferentWeights(Check):
    """The processes of one training start from different weights and never agree.

    What it measures: digests of the weights of every rank before the first optimizer step, and after several.
    Why it matters: gradients are averaged, but each rank applies the average to another network: it is a descent
        direction for none of them, and what rank 0 saves has seen its own part of the data with foreign gradients.
    Fix: seed every rank alike before the network is constructed, broadcast the weights of rank 0, or wrap the
        network in DistributedDataParallel, which does so.
    Not a fault when: the ranks are independent runs on purpose.
    References: the article's reason 28; torch.nn.parallel.DistributedDataParallel.
    """

    reason = "R28"
    name = "ranks-start-with-different-weights"
    needs = ("setup",)

    def examine(self, case: Case) -> Iterator[Finding]:
        ranks = data_parallel(case)
        agreed = agreement(ranks)
        if same_start(ranks) or len(agreed) < LEAST_STEPS or any(agreed.values()):
            return
        models = case.setup.models
        yield self.fault(
            f"{len(ranks)} ranks start with different weights, and after {max(agreed)} optimizer steps they still "
            "differ: seed all ranks alike before the network is constructed, or broadcast rank 0's weights",
            where=models[0].constructed if models else None,
            evidence=(
                Evidence("different initial weights", len({item.initial for item in ranks}), "1"),
                Evidence("compared steps with equal weights", sum(agreed.values()), str(len(agreed))),
            ),
            remedy="broadcast the weights of rank 0 before training, or wrap the network in DistributedDataParallel",
            exact=True,
        )
