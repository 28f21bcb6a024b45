"""Gradients are not exchanged between the processes."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.across_ranks import LEAST_STEPS, agreement, data_parallel, same_start


class RanksNotSynchronized(Check):
    """The processes start from the same weights, and each goes its own way.

    What it measures: digests of the weights of every rank before the first optimizer step, and after several.
    Why it matters: each rank trains by itself on its part of the data; what rank 0 saves has never seen the rest.
    Fix: wrap the network in DistributedDataParallel and call the wrapper in training, or average the gradients
        between backward and step.
    Not a fault when: the ranks are averaged from time to time (local SGD), or are independent runs on purpose.
    References: the article's reason 23; torch.nn.parallel.DistributedDataParallel.
    """

    reason = "R23"
    name = "ranks-not-synchronized"
    needs = ("setup",)

    def examine(self, case: Case) -> Iterator[Finding]:
        ranks = data_parallel(case)
        agreed = agreement(ranks)
        if not same_start(ranks) or len(agreed) < LEAST_STEPS or any(agreed.values()):
            return
        backward = next((record.place for record in case.setup.backwards()), None)
        yield self.fault(
            f"gradients are not synchronized: {len(ranks)} ranks start with the same weights, and differ after each of "
            f"{len(agreed)} compared optimizer steps: train through DistributedDataParallel, or average the gradients",
            where=backward,
            evidence=(Evidence("compared steps with equal weights", 0, str(len(agreed))),),
            remedy="call the DistributedDataParallel wrapper in training, not the network inside it",
            exact=True,
        )
