"""Targets that belong to other rows than the inputs they come with."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked, Passed
from paramedic.checks.data.passes import model_place, passes, train_loaders
from paramedic.checks.data.places import (
    REORDERING,
    calls,
    function_place,
    is_slice,
    line_behind,
    one_sided_line,
    row_place,
)
from paramedic.checks.data.samples import (
    Batch,
    batches,
    class_labels,
    loader_of,
    loader_sample,
    one_input,
    table,
)
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.mixtures import Mixtures, mixes_two, mixtures
from paramedic.measurements.data.padded import content_hashes, padding_of, read_pairs
from paramedic.measurements.data.pairing import Pairing, pairing
from paramedic.trace.place import Place
from paramedic.trace.setup import LoaderRecord

LEAST_ROWS = 20
MOST_FOREIGN = 0.1  # of the disagreeing targets that no row of the dataset has
AGREEING = 0.99  # of the rows that are found again; 110 healthy loaders agree in all of them
MIXED_ROWS = 60  # mixed rows that are taken apart
MIXED_BYTES = 64 << 20  # of the table they are looked up in, in double precision


class LabelsMispaired(Check):
    """The batches pair inputs with targets of other rows.

    What it measures: for every row of a batch that is found again in the dataset (or in the arrays that the batch is
    cut from), whether its target is the one that stands there; by hashes, exact. Rows that are mixed from two rows
    (mixup) are taken apart, and their targets must be mixed from the targets of the same two. Whether the dataset itself
    holds its rows with the right targets, it cannot tell: that is for labels-unrelated, labels-shifted and noisy-labels.
    Why it matters: with wrong targets there is nothing to learn, or something wrong.
    Fix: index inputs and targets with one and the same index; shuffle them together; look at the collate function.
    Not a fault when: targets are changed on purpose (random label noise as regularization).
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
            pairs = _loader_pairs(case, record) or _padded_pairs(case, record)
            if pairs is not None:
                examined.append(pairs)
                yield from self._judge(pairs, "its dataset", _place(case))
        matched = sum(item.matched for item in examined)
        if matched >= LEAST_ROWS:
            raise Passed(f"{matched} rows have the target that their dataset or array gives them")
        mixed = _mixed(case)
        if mixed is None or mixed.mixed < LEAST_ROWS:
            raise NotChecked(
                "the rows of the batches are not found again in their dataset (random augmentation?)"
            )
        if mixed.agreeing >= AGREEING * mixed.mixed:
            raise Passed(f"{mixed.mixed} mixed rows have the targets of the two rows they are mixed from")
        yield self._mixed_apart(mixed, line_behind(model_place(case), _mixes))

    def _mixed_apart(self, mixed: Mixtures, where: Place | None) -> Finding:
        wrong = mixed.mixed - mixed.agreeing
        return self.fault(
            f"{wrong} of {mixed.mixed} mixed rows have a target that is mixed from other rows than the inputs are "
            f"(expected 0): mix inputs and targets with one and the same permutation",
            where=where,
            evidence=(Evidence("mixed rows with targets of other rows", wrong, "0"),),
            remedy="draw the permutation once, and use it for the inputs and for the targets",
            explains=("R05", "R06", "R13", "R02", "R24", "R30", "R31", "R17"),
            exact=True,
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


def _mixes(node: ast.AST) -> bool:
    """``share * y + (1 - share) * y[index]``."""
    parts = (node.left, node.right) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) else ()
    weighed = [part for part in parts if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult)]
    return len(weighed) == 2 and any(isinstance(part, ast.Subscript) for part in ast.walk(node))


def _mixed(case: Case) -> Mixtures | None:
    """Rows that are shares of two rows of the table, with targets that are shares of two classes."""
    drawn, recorded = table(case), batches(case)
    soft = [batch for batch in recorded if batch.target is not None and batch.target.dim() == 2]
    if drawn is None or not drawn.complete or not soft or drawn.inputs.numel() * 8 > MIXED_BYTES:
        return None
    labels = _labels_of_table(case, soft[0])
    if labels is None or len(labels) != len(drawn.inputs):
        return None
    inputs, targets = [], []
    for batch in soft:
        assert batch.target is not None
        values = batch.target.double().cpu().numpy()
        chosen = mixes_two(values) if values.shape[1] > 1 else np.zeros(len(values), bool)
        if len(values) == len(batch.inputs) and batch.inputs.shape[1:] == drawn.inputs.shape[1:]:
            inputs.append(batch.inputs.double().cpu().flatten(1).numpy()[chosen])
            targets.append(values[chosen])
    if not sum(map(len, inputs)):
        return None
    rows, shares = np.concatenate(inputs)[:MIXED_ROWS], np.concatenate(targets)[:MIXED_ROWS]
    known = drawn.inputs.double().cpu().flatten(1).numpy()
    return mixtures(rows, shares, known, labels) if np.isfinite(known).all() else None


def _labels_of_table(case: Case, batch: Batch) -> np.ndarray | None:  # type: ignore[type-arg]
    """Class numbers in the order of the table, as they were before they were mixed."""
    source = batch.target_leaf.source if batch.target_leaf is not None else None
    raw: Tensor | None = source.origin if source is not None else None
    if source is not None and source.loader is not None:
        sample = loader_sample(case, case.loaders[source.loader])
        raw = sample.tensors.get(source.path) if sample is not None else None
    return class_labels(raw, None)


def _place(case: Case) -> Place | None:
    """The user's collate function or dataset where there is one; else where the batch is cut."""
    record = loader_of(case)
    if record is None:
        called = model_place(case)
        return one_sided_line(called, _draws_rows) or line_behind(called, is_slice, calls(*REORDERING))
    written = function_place(getattr(record.loader, "collate_fn", None), calls(*REORDERING))
    return written or row_place(record.dataset) or record.constructed or record.place


def _draws_rows(node: ast.AST) -> bool:
    """What gives rows another order: a call, or an index that is itself an array (``x[index]``)."""
    return calls(*REORDERING)(node) or (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name))


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


def _padded_pairs(case: Case, record: LoaderRecord) -> Pairing | None:
    """Rows of different lengths that a collate function of the user's has padded."""
    number = case.loaders.index(record)
    recorded = [
        batch for batch in batches(case)
        if batch.target is not None and batch.target.numel() == len(batch.inputs)
        and batch.input_leaf.source is not None and batch.input_leaf.source.loader == number
    ]  # fmt: skip
    if len({batch.inputs.shape[1:2] for batch in recorded}) < 2:
        return None
    padding = padding_of(batch.inputs for batch in recorded)
    known = read_pairs(record.dataset, recorded[0].inputs) if padding is not None else []
    if padding is None or not known:
        return None
    given = torch.cat([batch.target.reshape(-1).double() for batch in recorded if batch.target is not None])
    wanted = torch.tensor([target for _, target in known], dtype=torch.float64)
    return pairing(
        content_hashes((row for batch in recorded for row in batch.inputs), padding),
        row_hashes(given[:, None]),
        content_hashes((row for row, _ in known), padding),
        row_hashes(wanted[:, None]),
    )
