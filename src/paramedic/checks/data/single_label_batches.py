"""Batches that hold a single class."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.passes import training_order
from paramedic.checks.data.places import method_place
from paramedic.checks.data.samples import Batch, batches, loader_of
from paramedic.checks.data.unshuffled_training_data import carries_state
from paramedic.checks.finding import Evidence, Finding
from paramedic.measurements.data.order import single_label_batches
from paramedic.trace.place import Place
from paramedic.trace.setup import LoaderRecord

P = 1e-4  # 150 healthy loaders: no false alarm, 2026-11
LEAST = 2
LEAST_SHARE = 0.1  # of the recorded steps whose pairs are all of one class: below it, chance in a small batch
LEAST_ROWS = 4


class SingleLabelBatches(Check):
    """Batches hold rows of one class only.

    What it measures: the number of batches of an epoch with a single class, against the exact expectation for random
    batches of the same size.
    Why it matters: each step teaches the network to answer this one class; batch normalization sees one class only.
    Fix: shuffle the rows before they are cut into batches; a shuffle buffer as large as the dataset for streams.
    Not a fault when: batches are made of one class on purpose (some metric-learning and meta-learning set-ups).
    References: the article's reason 10.
    """

    reason = "R10"
    name = "single-label-batches"
    also = ("R07",)
    needs = ("rows",)

    def examine(self, case: Case) -> Iterator[Finding]:
        pairs = _relations(case)
        if pairs:
            yield from self._pairs_alike(pairs, loader_of(case))
            return
        order = training_order(case)
        if order is None or order.codes is None:
            raise NotApplicable("the targets are no class labels, or every step uses all rows")
        if carries_state(case):
            raise NotApplicable("a recurrent state is carried from batch to batch")
        found = single_label_batches(order.codes, order.sizes)
        if found.single < LEAST or found.p >= P:
            return
        yield self.fault(
            f"{found.single} of {found.batches} batches hold a single class (expected {found.expected:.2g} in random "
            f"order, p = {found.p:.1g}): shuffle the rows before they are cut into batches",
            where=order.place,
            evidence=(
                Evidence("batches with a single class", found.single, f"{found.expected:.2g}"),
                Evidence("p", found.p, f"> {P}"),
                Evidence("rows of a batch", int(max(order.sizes))),
            ),
            remedy="shuffle=True in the training DataLoader; a shuffle buffer as large as the dataset for a stream",
            explains=("R07", "R36", "R30", "R32", "R31", "R11", "R35", "R08", "loss-without-gradient"),
            exact=True,
        )

    def _pairs_alike(self, pairs: list[Batch], record: LoaderRecord | None) -> Iterator[Finding]:
        alike = [batch for batch in pairs if bool(_apart(batch.target).all())]
        if len(alike) < LEAST or len(alike) < LEAST_SHARE * len(pairs):
            return
        target = alike[0].flow.target
        node = next(node for node in alike[0].tape.nodes if target is not None and target in tuple(node.inputs()))
        yield self.fault(
            f"in {len(alike)} of {len(pairs)} recorded steps all {len(alike[0].inputs)} rows of the batch are of one class: "
            "the loss compares pairs, and there is none of different classes",
            where=_batches_made(record.loader) or record.constructed or record.place if record is not None else node.place,
            evidence=(Evidence("steps without a pair of different classes", len(alike), "0"),),
            remedy="batches of several classes with several rows each (P classes times K rows)",
            explains=("R07", "R36", "R30", "R31", "R35", "loss-without-gradient"),
            exact=True,
        )


def _batches_made(loader: object) -> Place | None:
    """Where a batch sampler of the user's gives a batch."""
    return method_place(getattr(loader, "batch_sampler", None), "__iter__", lambda node: isinstance(node, ast.Yield))


def _relations(case: Case) -> list[Batch]:
    """Batches whose loss is told which pairs of rows are of one class: a truth value for each pair.

    That these are pairs of rows shows in that the table grows with the batch, or is not the same in all of them.
    """
    found = [batch for batch in batches(case) if _is_relation(batch.target, len(batch.inputs))]
    sizes = {len(batch.inputs) for batch in found}
    full = {bool(_apart(batch.target).all()) for batch in found}
    return found if len(sizes) > 1 or len(full) > 1 else []


def _is_relation(target: Tensor | None, rows: int) -> bool:
    if target is None or target.dtype != torch.bool or target.shape != (rows, rows) or rows < LEAST_ROWS:
        return False
    return bool((target == target.t()).all())


def _apart(target: Tensor | None) -> Tensor:
    """The truth values of pairs of two different rows."""
    assert target is not None
    return target[~torch.eye(len(target), dtype=torch.bool, device=target.device)]
