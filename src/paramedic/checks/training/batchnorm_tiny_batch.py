"""Batch norm over one or two rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from scipy import stats
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.data.samples import loader_of
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.training.modes import batch_norms
from paramedic.trace.place import Place

if TYPE_CHECKING:
    from paramedic.experiments.operations import Operation, Operations

MOST_ROWS = 2
# Values per channel below which the batch's mean and variance say next to nothing: the standard error of the variance
# of n values is sqrt(2 / (n - 1)) of it, 53 % at n = 8.
LEAST_VALUES = 8
# One row of many values is normalized with its own statistics in training, with those of all rows in evaluation. Where
# that matters the same rows have another loss: of healthy runs it is within 0.62 to 1.14 times (METHODS, row 32).
LEAST_GAP = 2.0  # times the loss in training mode
LEAST_EFFECT = 0.05  # of the loss at the start of training
SIGNIFICANCE = 0.01
MOST_BATCHES, LEAST_BATCHES = 200, 8
LEAST_SHARE = 0.8  # of the steps looked at: a smaller last batch is no fault
MOST_STEPS = 5


class BatchnormTinyBatch(Check):
    """Batch norm normalizes over one or two rows.

    What it measures: rows and values per channel in the inputs of ``batch_norm`` in training mode, in the recorded
    steps; with many values per channel (pictures, volumes), the loss of the recorded training rows at the final weights
    with each batch's own statistics and with the running ones.
    Why it matters: with two values per channel every output is +1 or -1; mean and variance are noise, and the running
    statistics do not fit what the network saw.
    Fix: a larger batch, or GroupNorm/LayerNorm, which do not depend on it.
    Not a fault when: each row has many positions per channel (images, one at a time) and evaluation mode does as well;
    only an epoch's last batch is small.
    References: the article's reason 32; Y. Wu, K. He, "Group Normalization", 2018.
    """

    reason = "R32"
    name = "batchnorm-tiny-batch"
    also = ("R11",)
    cost = "replay"

    def examine(self, case: Case) -> Iterator[Finding]:
        failed = _failed(case)
        if failed is not None:
            yield self._crash(case, failed)
            return
        if case.lab.why_not_replayable() is not None:
            raise NotApplicable("no step can be run again")
        count = len(case.lab.backwards)
        indices = sorted({round(share * (count - 1)) for share in (0, 0.2, 0.5, 0.8, 1.0)})[:MOST_STEPS]
        steps = [_batch_norm_calls(case.lab.operations(index)) for index in indices]
        if not any(steps):
            raise NotApplicable("no batch norm in training mode")
        tiny = [[call for call in calls if is_tiny(call)] for calls in steps]
        if sum(map(bool, tiny)) < LEAST_SHARE * len(steps):
            single = [[call for call in calls if _input(call).shape[0] <= MOST_ROWS] for calls in steps]
            if sum(map(bool, single)) >= LEAST_SHARE * len(steps):
                yield from self._other_in_evaluation(case, next(calls for calls in single if calls))
            return
        calls = next(calls for calls in tiny if calls)
        call = min(calls, key=_values)
        rows, values = _input(call).shape[0], _values(call)
        yield self.fault(
            f"batch norm normalizes over {values} values per channel ({rows} {'row' if rows == 1 else 'rows'} per "
            f"batch; expected at least {LEAST_VALUES}) in {len(calls)} layers: use larger batches, or GroupNorm or LayerNorm",
            where=_place(case, call),
            module=call.module_path,
            evidence=(
                Evidence("values per channel", values, f">= {LEAST_VALUES}"),
                Evidence("rows per batch", rows, f"> {MOST_ROWS}"),
            ),
            remedy="use larger batches (DataLoader batch_size), or GroupNorm or LayerNorm in place of batch norm",
            explains=("R11", "R25", "R35", "R36", "R30", "R31", "stale-batchnorm-statistics", "R33", "R21"),
            exact=True,
        )

    def _other_in_evaluation(self, case: Case, calls: list[Operation]) -> Iterator[Finding]:
        """Each row is normalized on its own in training, and the network does not work with the running statistics."""
        records = [item for item in case.lab.backwards if item.tape is not None][-MOST_BATCHES:]
        layers = [layer for root in case.lab.modules() for layer in batch_norms(root)]
        if len(records) < LEAST_BATCHES or not layers:
            return
        with case.lab.at("initial"):
            initial = abs(case.lab.probe_loss())
        with case.lab.at("final"), torch.no_grad():
            for root in case.lab.modules():
                root.eval()
            running = [float(item.tape.loss(modes=False)) for item in records if item.tape is not None]
            with _own_statistics(layers):
                own = [float(item.tape.loss(modes=False)) for item in records if item.tape is not None]
        before, after = sum(own) / len(own), sum(running) / len(running)
        p = float(stats.ttest_rel(running, own, alternative="greater").pvalue)
        if not (after > LEAST_GAP * before and after - before > LEAST_EFFECT * initial and p < SIGNIFICANCE):
            return
        rows = _input(calls[0]).shape[0]
        yield self.fault(
            f"batch norm normalizes {'each row' if rows == 1 else f'every {rows} rows'} with statistics of their own in "
            f"training and with the running ones in evaluation: the loss of the same training rows is {before:.3g} and "
            f"{after:.3g} (expected: about the same) in {len(calls)} layers: use larger batches, or GroupNorm",
            where=_batches_place(case) or _place(case, calls[0]),
            module=calls[0].module_path,
            evidence=(
                Evidence("rows per batch", rows, f"> {MOST_ROWS}"),
                Evidence("loss with the batch's own statistics", round(before, 4)),
                Evidence("loss with the running statistics", round(after, 4), f"about {before:.3g}"),
                Evidence("p (paired over batches)", p, f"> {SIGNIFICANCE}"),
            ),
            remedy="use larger batches (DataLoader batch_size), or GroupNorm or InstanceNorm in place of batch norm",
            explains=("R11", "R25", "R35", "R36", "R30", "R31", "stale-batchnorm-statistics", "R33", "R21", "R15"),
            exact=True,
        )

    def _crash(self, case: Case, call: Operation) -> Finding:
        shape = tuple(_input(call).shape)
        return self.fault(
            f"batch norm got a batch with one value per channel (shape {shape}) and failed: drop the incomplete last "
            "batch (drop_last=True) or use larger batches",
            where=_place(case, call),
            module=call.module_path,
            evidence=(Evidence("values per channel", 1, ">= 2"),),
            remedy="drop_last=True in the training DataLoader",
            explains=("R11", "R25"),
            exact=True,
        )


@contextmanager
def _own_statistics(layers: list[_BatchNorm]) -> Iterator[None]:
    """Batch norm with each batch's own statistics; the running ones stay as they are (a momentum of 0)."""
    kept = [(layer, layer.momentum, layer.num_batches_tracked) for layer in layers]
    counts = [None if count is None else count.clone() for _, _, count in kept]
    try:
        for layer in layers:
            layer.momentum = 0.0
            layer.train()
        yield
    finally:
        for (layer, momentum, count), value in zip(kept, counts, strict=True):
            layer.momentum = momentum
            layer.eval()
            if count is not None and value is not None:
                count.copy_(value)


def _batches_place(case: Case) -> Place | None:
    """Where the training loader, which sets the batch size, was constructed."""
    loader = loader_of(case)
    return loader.constructed if loader is not None else None


def _failed(case: Case) -> Operation | None:
    """The batch norm call that ended the program, if one did."""
    operations = case.lab.failure_operations()
    call = operations.failed if operations is not None else None
    return call if call is not None and call.name == "batch_norm" and _values(call) == 1 else None


def _batch_norm_calls(operations: Operations) -> list[Operation]:
    """Calls of batch norm that use the batch's own statistics while running statistics are kept for evaluation."""
    return [
        call
        for call in operations.calls
        if call.name == "batch_norm" and bool(call.argument(5, "training", False)) and _keeps_statistics(call)
    ]


def _keeps_statistics(call: Operation) -> bool:
    return isinstance(call.module, _BatchNorm) and call.module.running_mean is not None


def _input(call: Operation) -> Tensor:
    value = call.argument(0, "input")
    assert isinstance(value, Tensor)
    return value


def _values(call: Operation) -> int:
    value = _input(call)
    return value.numel() // max(1, value.shape[1])


def is_tiny(call: Operation) -> bool:
    """One or two rows, with few values per channel."""
    return _input(call).shape[0] <= MOST_ROWS and _values(call) < LEAST_VALUES


def _place(case: Case, call: Operation) -> Place | None:
    return case.setup.constructed.get(call.module) or call.place
