"""NaN or infinity begins in one process, and the average of the gradients takes it to all."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, Passed
from paramedic.checks.data.passes import data_place
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.across_ranks import data_parallel
from paramedic.trace.setup import RankFacts


class NonFiniteOnAnotherRank(Check):
    """The loss of one rank becomes NaN or infinite before that of rank 0, which then has it from there.

    What it measures: for each rank the first optimizer step whose loss is NaN or infinite, and whether the values of
        that step's batch were.
    Why it matters: the gradients are averaged, so one step later the weights of every rank are NaN, and on rank 0
        nothing shows where it came from.
    Fix: look at that rank's part of the data (missing values, a damaged file), or at what its batches have in common.
    Not a fault when: never: a loss that is no number ends the training.
    References: the article's reason 37; torch.nn.parallel.DistributedDataParallel.
    """

    reason = "R37"
    name = "non-finite-on-another-rank"
    also = ("R01",)
    needs = ("setup",)

    def examine(self, case: Case) -> Iterator[Finding]:
        ranks = data_parallel(case)
        bad = {item.rank: item.non_finite for item in ranks if item.non_finite is not None}
        if not bad:
            raise Passed(f"the losses of all {len(ranks)} ranks are finite")
        first = min(bad.values())
        origin = [item for item in ranks if item.non_finite == first]
        if origin[0].rank == 0:
            raise Passed("no other rank's loss became NaN or infinite before that of rank 0")
        yield self._finding_of(case, origin, first, bad.get(0), len(ranks))

    def _finding_of(self, case: Case, origin: list[RankFacts], first: int, own: int | None, count: int) -> Finding:
        who = " and ".join(f"rank {item.rank}" for item in origin)
        then = f"that of rank 0 from step {own} on" if own is not None else "that of rank 0 never"
        inputs = next((item.non_finite_inputs for item in origin if item.non_finite_inputs is not None), None)
        from_data = inputs is not None and inputs[0] > 0
        seen = f", whose batch holds {inputs[0]} such values of {inputs[1]}" if from_data and inputs else ""
        backward = next((record.place for record in case.setup.backwards()), None)
        return self.fault(
            f"the loss of {who} is NaN or infinite at step {first}{seen}, {then}: it begins there and the average of "
            f"the gradients takes it to all {count} ranks: look at the rows of {who}",
            where=(data_place(case) if from_data else None) or backward,
            evidence=(Evidence("first step with a non-finite loss", first, "none", who),),
            remedy=f"look for missing or infinite values in the part of the data that {who} trains on",
            explains=("R33", "R35", "R36", "R37", "S5", "R17"),
            exact=True,
        )
