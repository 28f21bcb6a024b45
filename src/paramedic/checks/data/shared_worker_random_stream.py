"""Workers of a DataLoader that draw the same random numbers."""

from __future__ import annotations

from collections.abc import Iterator

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.data.passes import train_loaders
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.workers import WorkerDraws, is_random, worker_draws
from paramedic.trace.setup import LoaderRecord

MOST_WORKERS = 8
CHANCE = 1e-5  # of all draws of two workers being alike


class SharedWorkerRandomStream(Check):
    """Every worker of the loader makes the same random augmentations, or every epoch repeats them.

    What it measures: one row is read 24 times through each worker, in two epochs: whether the results are the same.
    Why it matters: a generator object held by the dataset is copied into every worker process, so that W workers give
    each augmentation W times, and each epoch begins with the same ones.
    Fix: seed the generator in the worker, from ``torch.utils.data.get_worker_info().seed``, or use torch's own
    random functions, which the DataLoader seeds for each worker.
    Not a fault when: the transform draws from a handful of cases on purpose.
    References: the article's reason 3; documentation of torch.utils.data, "Randomness in multi-process data loading".
    """

    reason = "R03"
    name = "shared-worker-random-stream"
    also = ("S4",)
    needs = ("rows", "loader")
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        loaders = [
            record
            for record in train_loaders(case)
            if 2 <= getattr(record.loader, "num_workers", 0) <= MOST_WORKERS
        ]
        if not loaders:
            raise NotApplicable("no training loader has several workers")
        random = [record for record in loaders if _is_random(record)]
        if not random:
            raise NotApplicable("the dataset gives the same row at every reading: nothing is random in it")
        for record in random:
            try:
                draws = worker_draws(record.loader)
            except Exception as error:  # the user's dataset in processes of its own: anything may happen
                raise NotChecked(
                    f"the workers could not be started again ({type(error).__name__})"
                ) from error
            yield from self._judge(record, draws)

    def _judge(self, record: LoaderRecord, draws: WorkerDraws) -> Iterator[Finding]:
        if draws.chance > CHANCE:
            return
        if draws.alike > 0:
            text = f"{draws.workers} workers make the same random draws ({draws.alike:.0%} of them as the first; expected 0%)"
        elif draws.repeated == 1.0:
            text = "every epoch makes the same random draws (100% of them come again; expected 0%)"
        else:
            return
        yield self.fault(
            f"{text}: seed the dataset's generator in each worker",
            where=record.constructed or record.place,
            evidence=(
                Evidence("workers whose draws are those of the first", draws.alike, "0"),
                Evidence("draws that the next epoch repeats", draws.repeated, "0"),
            ),
            remedy="in worker_init_fn, give the dataset a new generator seeded from torch.utils.data.get_worker_info().seed",
            explains=("R13", "R09", "incomplete-epoch", "same-batch-repeated"),
            exact=True,
        )


def _is_random(record: LoaderRecord) -> bool:
    try:
        return is_random(record.dataset)
    except Exception:  # the dataset's own code
        return False
