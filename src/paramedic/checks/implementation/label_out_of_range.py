"""Class labels that the network has no output for."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import loss_inputs
from paramedic.experiments.operations import Operation

CLASS_LOSSES = frozenset({"cross_entropy", "nll_loss", "multi_margin_loss"})
BINARY_LOSSES = frozenset({"binary_cross_entropy_with_logits", "binary_cross_entropy", "multilabel_soft_margin_loss"})
BY_INDEX = frozenset({"gather", "one_hot", "scatter_", "scatter"})
IGNORED = -100  # ignore_index of torch's losses unless another one is given


class LabelOutOfRange(Check):
    """Labels lie outside of the range that the loss expects.

    What it measures: the smallest and largest label against the number of outputs, in the step that crashed; and
    whether targets of a binary cross-entropy lie in [0, 1].
    Why it matters: with C outputs the labels are 0 to C-1. One more stops the program (on a GPU with an unclear
    message); binary targets outside [0, 1] give a loss without a floor.
    Fix: count labels from 0, or give the network one output per class.
    Not a fault when: the label is the loss's ignore_index.
    References: the article's reason 19; torch.nn.CrossEntropyLoss.
    """

    reason = "R19"
    name = "label-out-of-range"
    also = ("R04",)

    def examine(self, case: Case) -> Iterator[Finding]:
        looked = False
        failed = case.lab.failure_operations()
        if failed is not None and failed.failed is not None:
            looked = True
            yield from self._failed(failed.failed)
        if case.lab.why_not_replayable() is None:
            looked = True
            yield from self._beyond_binary(case)
        if not looked:
            raise NotApplicable("no step with a loss was seen")

    def _failed(self, call: Operation) -> Iterator[Finding]:
        found = _labels_and_outputs(call)
        if found is None:
            return
        target, classes = found
        ignored = call.argument(4, "ignore_index", IGNORED)
        used = target[target != ignored] if isinstance(ignored, int) and call.name in CLASS_LOSSES else target
        if used.numel() == 0:
            return
        low, high = int(used.min()), int(used.max())
        if 0 <= low and high < classes:
            return
        shifted = low >= 1 and high == classes
        act = f"give the network {high + 1} outputs, or correct the labels"
        if shifted or low < 0:
            act = "count labels from 0 (subtract 1)" if shifted else f"map the labels to 0 to {classes - 1}"
        yield self.fault(
            f"{call.name} stopped the program: labels run from {low} to {high}, but there are {classes} outputs "
            f"(labels 0 to {classes - 1}): {act}",
            where=call.place,
            module=call.module_path,
            evidence=(
                Evidence("smallest and largest label", f"{low} to {high}", f"0 to {classes - 1}"),
                Evidence("outputs", classes, "" if shifted else str(high + 1)),
            ),
            remedy=act,
            explains=("R04", "S4", "loss-input-shape"),
            exact=True,
        )

    def _beyond_binary(self, case: Case) -> Iterator[Finding]:
        for item in loss_inputs(case):
            target = item.call.target
            if item.call.name not in BINARY_LOSSES or target is None or not target.numel():
                continue
            low, high = float(target.min()), float(target.max())
            if low >= 0 and high <= 1:
                continue
            yield self.fault(
                f"{item.call.name} got targets from {low:.3g} to {high:.3g}, expected 0 to 1: the loss has no floor",
                where=item.call.place,
                evidence=(Evidence("smallest and largest target", f"{low:.3g} to {high:.3g}", "0 to 1"),),
                remedy="map the two classes to 0 and 1 (scale soft targets into 0-1)",
                explains=("R18", "R36", "R31", "R37", "R35", "R04"),
                exact=True,
            )
            return


def _labels_and_outputs(call: Operation) -> tuple[Tensor, int] | None:
    """The labels of a failed loss (or indexing) and the number of classes."""
    first, second = call.argument(0, "input"), call.argument(1, "target")
    if call.name in CLASS_LOSSES and isinstance(first, Tensor) and isinstance(second, Tensor):
        if second.is_floating_point() or first.dim() == 0:
            return None
        return second, first.shape[1 if first.dim() > 1 else 0]
    if call.name == "gather" and isinstance(first, Tensor):
        dim, index = call.argument(1, "dim"), call.argument(2, "index")
        if isinstance(dim, int) and isinstance(index, Tensor) and index.numel() and first.requires_grad:
            return index, first.shape[dim]
    return None
