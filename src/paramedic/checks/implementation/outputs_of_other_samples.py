"""Outputs that meet the targets of other samples in the loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.data.clean_view import raw_rows
from paramedic.checks.data.samples import Batch, batches
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.progress import measuring
from paramedic.measurements.data.hashing import row_hashes
from paramedic.trace.place import Place
from paramedic.trace.random_state import torch_state_kept

SAMPLES = 3  # that are exchanged, one after the other
CHANGED = 0.2  # of the largest change of a gradient: a mean over other counts changes all of them a little
MOVED = 1e-6  # of the outputs' root mean square
OWN_SHARE = 1.5  # of what a sample has of all outputs: with more, samples see each other, or the loss compares them
LEAST_OVERLAP = 0.5  # healthy: 1; outputs of (time, batch) against targets of (batch, time): about 1 / batch


class OutputsOfOtherSamples(Check):
    """Each sample's outputs are compared with the targets of other samples.

    What it measures: one sample's input is exchanged, which tells its outputs; then one sample's target, which tells the
    outputs that are compared with it, by the gradient of the loss. They should be the same ones.
    Why it matters: outputs of (time, batch, classes) and targets of (batch, time) have as many rows once both are flattened, so
    that nothing is said; the network learns the average of what it is mixed up with.
    Fix: bring both to the same order of dimensions before they are flattened (transpose, batch_first=True).
    Not a fault when: never, where each sample has a target of its own.
    References: the article's reasons 19 and 4; torch.nn.CrossEntropyLoss.
    """

    reason = "R19"
    name = "outputs-of-other-samples"
    also = ("R04", "R25")
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        batch = next((item for item in batches(case) if item.flow.target is not None), None)
        if batch is None or batch.flow.prediction is None or batch.tape.root is None:
            raise NotApplicable("no loss compares outputs with targets of their own")
        count = _samples(case, batch)
        if count is None or count < 2 * SAMPLES:
            raise NotApplicable("which targets are those of a sample is not known")
        with case.lab.at("initial"), measuring(case.lab, batch.tape), torch_state_kept():
            try:
                found = [_overlap(batch, count, number) for number in _spread(count)]
            except Exception as error:  # of the network: rows sorted by their lengths, say
                raise NotChecked(f"the network cannot be called with rows exchanged ({type(error).__name__})") from error
        overlaps = [item for item in found if item is not None]
        if len(overlaps) < SAMPLES:
            raise NotChecked("samples see each other, or the loss compares them")
        if max(overlaps) >= LEAST_OVERLAP:
            raise Passed("outputs are compared with the targets of their own samples")
        yield self.fault(
            f"outputs meet the targets of other samples: of the outputs that are compared with a sample's target "
            f"{max(overlaps):.0%} are its own (expected 100%): dimensions of outputs and of targets are in another order",
            where=_compared_at(batch),
            evidence=(Evidence("share of the compared outputs that are the sample's own", round(max(overlaps), 3), "1"),),
            remedy="bring outputs and targets to the same order of dimensions before they are flattened",
            explains=("R04", "R05", "R25", "R02", "R06", "R17", "R31", "R36", "R24", "S1", "A1"),
            exact=True,
        )


def _samples(case: Case, batch: Batch) -> int | None:
    """The number of samples, where the targets of each are known to stand together in their order: as an array's or a
    dataset's rows do, or the rows that a loader gave, before they were flattened. None where that is not known.
    """
    leaf = batch.target_leaf
    if leaf is None or leaf.value.dim() == 0:
        return None
    value, source = leaf.value.detach().cpu(), leaf.source
    columns: list[NDArray[np.uint64]] = []
    if source is not None and source.loader is not None and source.drawn is not None:
        number, drawn = source.drawn
        known = case.setup.loaders[source.loader].fingerprints
        columns = known[number][drawn] if number < len(known) and drawn < len(known[number]) else []
    for count in dict.fromkeys(batch.inputs.shape[:2]):
        if count < 2 or value.numel() % count:
            continue
        rows = value.reshape(count, -1)
        raw = raw_rows(case, leaf, rows)
        together = raw is not None and torch.equal(raw, rows)
        if together or any(np.array_equal(column, row_hashes(rows)) for column in columns):
            return int(count)
    return None


def _spread(count: int) -> list[int]:
    return [number * (count - 1) // (SAMPLES - 1) for number in range(SAMPLES)]


def _overlap(batch: Batch, count: int, number: int) -> float | None:
    """Of the outputs that are compared with one sample's target, the share that its input changes; None where either are
    more than those of one sample, or none.
    """
    moved = {}
    for key, leaf in batch.tape.constants().items():
        axis = next((axis for axis, size in enumerate(leaf.value.shape[:2]) if size == count), None)
        if key in batch.flow.inputs and axis is not None:
            moved[key] = _exchanged(leaf.value.movedim(axis, 0), number).movedim(0, axis)
    target = batch.flow.target
    assert target is not None
    given = batch.tape.leaves[target].value
    other = {target: _exchanged(given.reshape(count, -1), number).reshape(given.shape)}
    base, gradient = _run(batch, {})
    output, _ = _run(batch, moved)
    _, changed = _run(batch, other)
    if gradient is None or changed is None or output.shape != base.shape:
        return None
    own = (output - base).abs() > MOVED * float(base.square().mean().sqrt()) + 1e-30
    difference = (changed - gradient).abs()
    compared = difference > CHANGED * float(difference.max())
    most = OWN_SHARE * base.numel() / count
    if not 0 < int(own.sum()) <= most or not 0 < int(compared.sum()) <= most or float(difference.max()) == 0.0:
        return None
    return float((own & compared).sum()) / float(compared.sum())


def _exchanged(value: Tensor, number: int) -> Tensor:
    """With one row in the place of another: one that differs from it."""
    others = [row for row in range(len(value)) if not torch.equal(value[row], value[number])]
    found = value.detach().clone()
    if others:
        found[number] = value[others[len(others) // 2]]
    return found


def _run(batch: Batch, replace: dict[int, Tensor]) -> tuple[Tensor, Tensor | None]:
    """The outputs that the loss compares, and its gradient with respect to them."""
    values = batch.tape.run(replace=replace, modes=False)
    output, root = values[batch.flow.prediction], values[batch.tape.root]  # type: ignore[index]
    gradient = torch.autograd.grad(root.sum(), output, allow_unused=True)[0] if output.requires_grad else None
    return output.detach().double(), gradient.detach().double() if gradient is not None else None


def _compared_at(batch: Batch) -> Place | None:
    wanted = {batch.flow.prediction, batch.flow.target}
    places = [node.place for node in batch.tape.nodes if wanted & set(node.inputs()) and node.name == batch.flow.loss]
    return next((place for place in places if place is not None), batch.place)
