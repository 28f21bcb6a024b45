"""The same batch again and again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import gammaln

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import Pass, model_place, passes, repeats_draws, train_loaders
from paramedic.checks.data.places import calls, is_slice, line_behind
from paramedic.checks.data.samples import Batch, batches
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.epochs import joined, pass_facts
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.pairing import Hashes
from paramedic.trace.setup import LoaderRecord

LEAST_STEPS = 4  # recorded optimizer steps from which "always the same batch" is said
LEAST_PASSES = 3  # as many as the capture keeps the rows of
DECLARED_SHARE = 0.25  # of an array: a larger fixed slice is a training part cut by hand
LOG_CHANCE = -14.0  # natural logarithm of the probability of a repeated batch under random order: below 1e-6


class SameBatchRepeated(Check):
    """Training sees the same batch again although there are other rows.

    What it measures: the hashes of the rows of all batches of an epoch, and of the recorded steps.
    Why it matters: the network fits these few rows and never sees the others.
    Fix: draw the batch inside the loop; do not keep the iterator's first batch, and do not reset the iterator in
    every step.
    Not a fault when: one batch is overfitted on purpose (the article's reason 27), or holds all rows.
    References: the article's reasons 1 and 3.
    """

    reason = "R01"
    name = "same-batch-repeated"
    also = ("S4", "R03")
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        recorded = batches(case)
        loaders = [record for record in train_loaders(case) if not repeats_draws(case, record)]
        if not recorded and not loaders:
            raise NotApplicable("no training batch was recorded")
        text = next((found for record in loaders if (found := _within_pass(case, record))), None)
        text = text or next((found for record in loaders if (found := _every_pass(case, record))), None)
        text = text or _every_step(case, recorded)
        if text:
            yield self.fault(
                f"{text}: draw a new batch in every step",
                where=line_behind(model_place(case), calls("next"), calls("manual_seed", "seed"), is_slice, in_functions=True),
                evidence=(Evidence("different batches", text),),
                remedy="draw the next batch of one iterator over the loader in every step",
                explains=("incomplete-epoch", "R07", "R10", "R30", "R21", "R09", "R15", "R05", "R08"),
                exact=True,
            )


def _rows(item: Pass) -> list[Hashes]:
    return joined(item.inputs, item.targets) if item.targets else list(item.inputs)


def _within_pass(case: Case, record: LoaderRecord) -> str | None:
    for item in passes(case, record):
        keys = _rows(item)
        facts = pass_facts(keys)
        if _length(record.dataset) is None and record.loader.num_workers < 2:
            continue  # a stream that goes round and round: its length is its own affair
        if facts.equal_batches and facts.batches > 1 and _log_chance(keys) < LOG_CHANCE:
            return (
                f"{facts.equal_batches} of {facts.batches} batches of one epoch had come before (expected 0; "
                f"{facts.distinct} different rows among {facts.rows})"
            )
    return None


def _every_pass(case: Case, record: LoaderRecord) -> str | None:
    """``next(iter(loader))`` in every step, without shuffling: every pass has one batch, always the same."""
    found = [item for item in passes(case, record) if item.inputs]
    if len(found) < LEAST_PASSES or any(len(item.inputs) > 1 for item in found):
        return None
    dataset = _length(record.dataset)
    keys = {np.sort(_rows(item)[0]).tobytes() for item in found}
    size = len(found[0].inputs[0])
    if len(keys) > 1 or dataset is None or dataset <= size:
        return None
    return f"all {len(found)} iterations of the loader began anew and gave the same {size} of {dataset} rows"


def _every_step(case: Case, recorded: tuple[Batch, ...]) -> str | None:
    steps: dict[int, list[bytes]] = {}
    for batch in recorded:
        steps.setdefault(batch.step, []).extend(_rows_fed(batch))
    if len(steps) < LEAST_STEPS:
        return None
    keys = {tuple(batches) for batches in steps.values()}  # all that a step trained on: a part of it may stay the same
    there_are = _rows_there_are(case, recorded[0])
    size = len(recorded[0].inputs)
    if len(keys) > 1 or there_are is None or there_are <= size:
        return None
    return f"all {len(steps)} recorded steps trained on the same {size} of {there_are} rows"


def _rows_fed(batch: Batch) -> list[bytes]:
    """What goes into the networks of a step: the batch, and other rows of the program's data beside it."""
    constants = batch.tape.constants()
    fed = sorted({number for node in batch.tape.module_calls() for number in node.inputs() if number in constants})
    others = [constants[number] for number in fed if constants[number] is not batch.input_leaf]
    data = [leaf.value.detach() for leaf in others if leaf.source is not None and leaf.value.dim() > 0]
    return [np.sort(row_hashes(values)).tobytes() for values in (batch.inputs, *data)]


def _rows_there_are(case: Case, batch: Batch) -> int | None:
    """Rows that batches could be drawn from; None where that is unknown or the batch is a declared part of them."""
    source, size = batch.input_leaf.source, len(batch.inputs)
    if source is None:
        return None
    if source.loader is not None:
        return _length(case.loaders[source.loader].dataset)
    if source.origin is None or source.origin.dim() == 0:
        return None
    if source.origin[0].numel() == batch.inputs[0].numel():
        return len(source.origin) if size < DECLARED_SHARE * len(source.origin) else None
    if source.origin.dim() == 1 and not isinstance(source.index, slice):
        return len(source.origin) if batch.inputs.numel() < DECLARED_SHARE * len(source.origin) else None
    return None


def _length(dataset: object) -> int | None:
    try:
        return len(dataset)  # type: ignore[arg-type]
    except Exception:  # the dataset's own code, or none
        return None


def _log_chance(keys: list[Hashes]) -> float:
    """Bound on the log-probability that two random batches of these rows are equal, over all pairs of batches."""
    _, counts = np.unique(np.concatenate(keys), return_counts=True)
    share = counts / counts.sum()
    size = min(len(batch) for batch in keys)
    collision = float((share**2).sum())
    pairs = len(keys) * (len(keys) - 1) / 2
    return float(gammaln(size + 1) + size * np.log(collision) + np.log(max(1.0, pairs)))
