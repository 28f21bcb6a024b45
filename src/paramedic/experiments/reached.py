"""How far a run got, in figures of our own: what ``paramedic fix --verify`` compares two runs by.

The accuracy or R2 of the last weights on the recorded batches, in evaluation mode, says the same for every loss; u is
measured by the program's own loss, and is another scale where a patch changes the loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.experiments.counterfactual import assess_any
from paramedic.experiments.lab import Lab
from paramedic.experiments.operations import LossCall, loss_calls
from paramedic.experiments.progress import Probe, train_probes, validation_probes

BATCHES = 24  # of each split, evenly spread over those that were recorded
BY_CLASS = frozenset({"cross_entropy", "nll_loss", "multi_margin_loss"})
DIFFERENCES = frozenset({"sub", "__sub__", "rsub", "__rsub__", "subtract"})  # by hand: (prediction - target)
HALF = frozenset({"binary_cross_entropy"})  # gets probabilities; binary_cross_entropy_with_logits is cut at 0


def reached(case: Case) -> dict[str, dict[str, float]]:
    """Name -> {"value": ..., "rows": ...}; "validation accuracy", "training R2", "validation u", ... as far as known.

    "generated u": of a generator, the energy distance of its samples to the real ones (0: none; 1: that of equal samples).
    """
    if case.workshop is None or case.lab.why_not_replayable() is not None:
        return {}
    found: dict[str, dict[str, float]] = {}
    for split, probes in (("validation", validation_probes(case.lab, BATCHES)), ("training", train_probes(case.lab, BATCHES))):
        for name, value, rows in _scored(case.lab, probes):
            found[f"{split} {name}"] = {"value": value, "rows": rows}
    try:
        assessed = assess_any(case)
    except (NotApplicable, NotChecked):
        return found
    gauge = assessed.gauge
    if gauge is not None and gauge.unmeasured:
        return found  # some of the networks may have got anywhere
    trained = "generated" if gauge is not None and gauge.of_samples else "training"
    for split, value in (("validation", assessed.ended.validation), (trained, assessed.ended.train)):
        if value == value:
            found[f"{split} u"] = {"value": value, "rows": 0}
    return found


def _scored(lab: Lab, probes: Sequence[Probe]) -> list[tuple[str, float, int]]:
    """Accuracy (also with every class counting alike) or R2 over some batches at the last weights, and of how many rows."""
    pairs: list[tuple[Tensor, Tensor]] = []
    kinds = set()
    with lab.at("final"), torch.enable_grad():
        for module in (module for root in lab.modules() for module in root.modules()):
            module.training = False
        for probe in probes:
            log = lab.log(probe.tape, modes=False, **probe.options())
            calls = loss_calls(log) if log.root is not None else []
            pair = decided(calls[0]) if len(calls) == 1 and calls[0].target is not None else None
            if pair is None:
                return []
            kinds.add(pair[0])
            pairs.append(pair[1:])
    if len(kinds) != 1:
        return []
    predicted, target = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    if kinds == {"accuracy"}:
        right = (predicted == target).float()
        counts = target.unique(return_counts=True)
        balanced = [float(right[target == label].mean()) for label in counts[0]]
        of_rarest = int(counts[1].min()) * len(balanced)
        return [
            ("accuracy", float(right.mean()), len(target)),
            ("balanced accuracy", sum(balanced) / len(balanced), of_rarest),
        ]
    spread = float((target - target.mean(dim=0)).square().sum())
    error = float((predicted - target).square().sum())
    return [("R2", 1.0 - error / spread, len(target))] if spread > 0 else []


def decided(call: LossCall) -> tuple[str, Tensor, Tensor] | None:
    """("accuracy", predicted classes, classes) or ("R2", predictions, targets), one row each; None for what is neither."""
    output, target = call.input.detach(), call.target
    assert target is not None
    target = target.detach()
    if call.name in BY_CLASS and output.dim() >= 2:
        if target.is_floating_point():
            if target.shape != output.shape:
                return None
            target = target.argmax(dim=1)
        predicted, target = output.argmax(dim=1).flatten(), target.flatten()
        if len(predicted) != len(target):
            return None
        kept = target != int(call.argument(4, "ignore_index", -100) or 0) if call.name != "multi_margin_loss" else target >= 0
        return "accuracy", predicted[kept], target[kept]
    if output.numel() != target.numel() or output.numel() == 0:
        return None
    if call.name.startswith("binary_cross_entropy"):
        limit = 0.5 if call.name in HALF else 0.0
        return "accuracy", (output.flatten() > limit).long(), (target.flatten() > 0.5).long()
    if not target.is_floating_point() or call.by_hand and call.operation.name not in DIFFERENCES:
        return None
    rows = (len(target), -1)
    return "R2", output.reshape(rows).double(), target.reshape(rows).double()
