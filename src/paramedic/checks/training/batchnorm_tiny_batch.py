"""Batch norm over one or two rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.trace.place import Place

if TYPE_CHECKING:
    from paramedic.experiments.operations import Operation, Operations

MOST_ROWS = 2
# Values per channel below which the batch's mean and variance say next to nothing: the standard error of the variance
# of n values is sqrt(2 / (n - 1)) of it, 53 % at n = 8.
LEAST_VALUES = 8
LEAST_SHARE = 0.8  # of the steps looked at: a smaller last batch is no fault
MOST_STEPS = 5


class BatchnormTinyBatch(Check):
    """Batch norm normalizes over one or two rows.

    What it measures: rows and values per channel in the inputs of ``batch_norm`` in training mode, in the recorded
    steps.
    Why it matters: with two values per channel every output is +1 or -1; mean and variance are noise, and the running
    statistics do not fit what the network saw.
    Fix: a larger batch, or GroupNorm/LayerNorm, which do not depend on it.
    Not a fault when: each row has many positions per channel (images, one at a time); only an epoch's last batch is
    small.
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
