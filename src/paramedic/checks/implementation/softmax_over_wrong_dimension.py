"""Probabilities that sum to 1 over samples, positions or models in the place of classes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.loss_inputs import (
    SOFTMAXES,
    LossInput,
    class_axis,
    log_sums_to_one,
    loss_indices,
    loss_inputs,
    made_at,
    sums_to_one,
)
from paramedic.experiments.operations import Operation, Operations
from paramedic.measurements.loss import sums_to_one_over

EXPLAINS = ("R18", "R25", "R36", "R35", "R31", "R28", "R24", "R17", "R30", "S5", "R33", "R32", "R11", "R29",
            "softmax-before-cross-entropy", "nll-loss-without-log-softmax")
MAX_EVALUATIONS = 6
ELEMENTWISE = frozenset({"binary_cross_entropy", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"})
SEVERAL = 1.5  # a row of targets with a sum above this asks for more than the one unit that a softmax shares out
SHARE_SEVERAL = 0.05  # of the rows; a few double labels among single ones are label noise


def softmax_dimension(call: Operation) -> int | None:
    """The (non-negative) dimension of a softmax call; None if it cannot be known."""
    if not call.inputs:
        return None
    dims = call.inputs[0].dim()
    dim: Any = call.argument(2 if call.name == "gumbel_softmax" else 1, "dim")
    if not isinstance(dim, int) or isinstance(dim, bool):
        dim = next((item for item in call.args[1:] if isinstance(item, int) and not isinstance(item, bool)), None)
    if dim is None:
        return 0 if dims in (0, 1, 3) else 1  # torch's choice for dim=None
    return dim % dims if dims else None


class SoftmaxOverWrongDimension(Check):
    """A softmax normalizes over another dimension than the classes.

    What it measures: whether the rows of class scores that enter the loss sum to 1 (or their exponentials do) when
    they come out of a softmax; whether a softmax on the way to a loss runs over a dimension of size 1; in
    evaluation, whether the network's class scores are normalized over another dimension than that of the classes;
    whether a softmax shares one unit among labels of which samples have several (the targets' rows sum to more than 1).
    Why it matters: over the batch, the prediction of one sample depends on the others; over a dimension of size 1
    everything becomes 1; two labels of one sample can have a probability of 0.5 each at most.
    Fix: name the dimension of the classes: dim=1 for (batch, classes), dim=-1 for (batch, time, classes); a sigmoid
    for labels that do not exclude each other.
    Not a fault when: weights over positions or experts are wanted (attention, gates); these do not enter a loss as
    class scores.
    References: the article's reasons 19 and 21; torch.nn.functional.softmax.
    """

    reason = "R19"
    name = "softmax-over-wrong-dimension"
    also = ("R21",)
    needs = ("replay",)
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        seen: set[str] = set()
        looked = False
        for finding in self._training(case):
            looked = True
            if finding is not None and str(finding.where) not in seen:
                seen.add(str(finding.where))
                yield finding
        for finding in () if seen else self._evaluation(case):
            looked = True
            if finding is not None and str(finding.where) not in seen:
                seen.add(str(finding.where))
                yield finding
        if not looked:
            raise NotApplicable("no softmax between the last layer and a loss or metric")

    def _training(self, case: Case) -> Iterator[Finding | None]:
        for item in loss_inputs(case):
            if item.maker is None or item.maker.name not in SOFTMAXES:
                continue
            if item.call.name in ELEMENTWISE:
                yield self._shared(case, item)
            axis = class_axis(item.call)
            if axis is None:
                continue
            yield None
            logs = item.maker.name == "log_softmax"
            right = log_sums_to_one if logs else sums_to_one
            made_right = any(right(item.tensor, dim) for dim in range(item.tensor.dim()))
            if item.call.input.shape[axis] < 2 or right(item.call.input, axis) or not made_right:
                continue
            if item.call.input.numel() != item.tensor.numel():
                continue  # a part of the classes was taken out
            total = item.call.input.detach().double()
            sums = (total.exp() if logs else total).sum(axis)
            yield self._wrong(case, item.maker, float(sums.min()), float(sums.max()), "R19", str(item.call.place))
        for index in loss_indices(case.lab):
            for call in case.lab.operations(index).on_path():
                if call.name in SOFTMAXES and _of_one(call):
                    yield self._single(case, call)

    def _shared(self, case: Case, item: LossInput) -> Finding | None:
        """Labels that do not exclude each other behind a softmax."""
        values, target, call = item.call.input, item.call.target, item.maker
        if call is None or target is None or target.shape != values.shape or target.is_complex():
            return None
        rows = target.detach().double()
        for axis in range(values.dim()):
            if not sums_to_one(values, axis) or float(rows.min()) < 0 or float(rows.max()) > 1:
                continue
            several = float((rows.sum(axis) > SEVERAL).double().mean())
            if several < SHARE_SEVERAL:
                continue
            most = float(rows.sum(axis).max())
            return self.fault(
                f"{call.name} shares one unit of probability among {values.shape[axis]} labels, but {several:.0%} of the "
                f"rows have several labels (up to {most:.3g}): {most:.3g} labels of one sample can reach {1 / most:.2g} each "
                "(expected 1)",
                where=made_at(case, call),
                module=call.module_path,
                evidence=(
                    Evidence("largest sum of a row of targets", round(most, 3), "1"),
                    Evidence("rows of targets with several labels", round(several, 3), f"below {SHARE_SEVERAL:.0%}"),
                    Evidence("used at", str(item.call.place)),
                ),
                remedy=f"sigmoid instead of {call.name}: each label has a probability of its own",
                explains=EXPLAINS,
                exact=True,
            )
        return None

    def _wrong(
        self, case: Case, call: Operation, low: float, high: float, reason: str, loss: str
    ) -> Finding:
        dim, shape = softmax_dimension(call), tuple(call.inputs[0].shape)
        return self.fault(
            f"{call.name} runs over dimension {dim} of {shape}: the classes of one prediction sum to "
            f"{low:.2g}-{high:.2g} (expected 1)",
            where=made_at(case, call),
            module=call.module_path,
            evidence=(
                Evidence("sum over the classes", f"{low:.3g} to {high:.3g}", "1"),
                Evidence("dimension", dim, "that of the classes"),
                Evidence("used at", loss),
            ),
            remedy=f"give {call.name} the dimension of the classes",
            reason=reason,
            explains=EXPLAINS if reason == "R19" else ("R31", "R32", "R08"),
            exact=True,
        )

    def _single(self, case: Case, call: Operation) -> Finding:
        dim, shape = softmax_dimension(call), tuple(call.inputs[0].shape)
        return self.fault(
            f"{call.name} runs over dimension {dim} of {shape}, which has one element: its output is constant "
            f"({'0' if call.name == 'log_softmax' else '1'}) whatever the network does",
            where=made_at(case, call),
            module=call.module_path,
            evidence=(Evidence("elements in the softmax", 1, "at least 2"),),
            remedy="sigmoid for a single output, or one output per class",
            explains=EXPLAINS,
            exact=True,
        )

    def _evaluation(self, case: Case) -> Iterator[Finding | None]:
        """Softmaxes on class scores after the network in validation passes.

        The dimension of the classes is known from training: the network's class scores, as a loss takes them, have
        C of them; a result of the network (or a stack of results) that has exactly one dimension of C elements.
        """
        classes = {item.call.input.shape[axis] for item in loss_inputs(case)
                   if (axis := class_axis(item.call)) is not None and item.call.input.shape[axis] > 1}
        for number in range(min(MAX_EVALUATIONS, len(case.setup.evaluations))):
            operations = case.lab.evaluation_operations(number)
            for call in operations.calls:
                if call.name not in SOFTMAXES or not call.inputs or not _outside(call):
                    continue
                scores = call.inputs[0]
                axes = [dim for dim, size in enumerate(scores.shape) if size in classes]
                if len(axes) != 1 or not _from_model(operations, call, scores):
                    continue
                yield None
                dim = softmax_dimension(call)
                if dim is None or dim == axes[0] or not call.outputs:
                    continue
                sums = sums_to_one_over(call.outputs[0], axes[0], call.name == "log_softmax")
                yield self._wrong(case, call, *sums, "R21", str(call.place))


def _of_one(call: Operation) -> bool:
    dim = softmax_dimension(call)
    return dim is not None and call.inputs[0].dim() > 1 and call.inputs[0].shape[dim] == 1 and call.requires_grad


def _outside(call: Operation) -> bool:
    return call.module is None or not any(True for _ in call.module.parameters())


def _from_model(operations: Operations, call: Operation, tensor: Tensor) -> bool:
    """Whether a tensor comes from a module call (past any operations outside of modules)."""
    computed: set[int] = set()
    for other in operations.calls:
        if other is call:
            break
        inside = other.node is not None and other.node.module is not None
        if inside or any(id(item) in computed for item in other.inputs):
            computed.update(id(item) for item in other.outputs)
    return id(tensor) in computed
