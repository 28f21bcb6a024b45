"""Batch norm whose running statistics follow the data."""

from __future__ import annotations

import libcst as cst

from paramedic.checks.finding import Finding
from paramedic.remedies.source import NoPatch, Source, argument, number, without_argument

CHECKS = ("stale-batchnorm-statistics", "batch-size-dependent-output")
NORMS = frozenset({"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm", "LazyBatchNorm1d", "LazyBatchNorm2d"})
EPS, MOMENTUM = 1e-5, 0.1  # defaults of torch.nn.BatchNorm2d
SLOW = 0.01  # below it, 100 batches do not move the statistics to the data


def rewrite(source: Source, finding: Finding) -> None:
    """``momentum`` and ``eps`` in their places, ``track_running_stats`` on."""
    changed = False
    for call in source.calls():
        if source.called(call) in NORMS:
            changed = (_tracked if finding.check.startswith("batch-size") else _faster)(source, call) or changed
    if not changed:
        raise NoPatch("the cause is not written at a batch norm layer")


def _tracked(source: Source, call: cst.Call) -> bool:
    given = argument(call, "track_running_stats", 4)
    if given is None or source.code(given.value) != "False":
        return False
    index = call.args.index(given)
    source.change(call, lambda node: without_argument(node, node.args[index]))
    return True


def _faster(source: Source, call: cst.Call) -> bool:
    eps, momentum = argument(call, "eps", 1), argument(call, "momentum", 2)
    if momentum is None:
        return False
    value = number(momentum.value)
    if value is None or value >= SLOW:
        return False
    swapped = eps is not None and (number(eps.value) or 0.0) >= SLOW
    if swapped and eps is not None:
        source.replace(eps.value, source.code(momentum.value))
        source.replace(momentum.value, source.code(eps.value))
    else:
        source.replace(momentum.value, str(MOMENTUM))
    return True
