"""Outputs and targets that a loss cannot take together."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable
from paramedic.checks.finding import Evidence, Finding
from paramedic.experiments.operations import LOSS_FUNCTIONS, LossCall, Operation

CLASS_LOSSES = ("cross_entropy", "nll_loss", "multi_margin_loss")
FLOAT_LOSSES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy",
                "binary_cross_entropy_with_logits")
BACKWARD_DTYPE = "Found dtype"  # torch's message when backward meets an integer target


class LossInputShape(Check):
    """A loss refuses its input and target: shapes or types do not fit.

    What it measures: shape and type of both in the step that crashed.
    Why it matters: the program stops; the message of torch names neither the tensors nor what to change.
    Fix: cross_entropy takes outputs (B, C, ...) and integer labels (B, ...); elementwise losses take two float
    tensors of one shape.
    Not a fault when: the program did not stop in a loss.
    References: the article's reason 19; torch.nn's loss functions.
    """

    reason = "R19"
    name = "loss-input-shape"

    def examine(self, case: Case) -> Iterator[Finding]:
        failed = case.lab.failure_operations()
        message = str((case.trace.meta("ended") or {}).get("message", ""))
        if failed is not None and failed.failed is not None:
            if failed.failed.name in LOSS_FUNCTIONS:
                yield from self._refused(failed.failed, str(failed.error or message))
            return
        if BACKWARD_DTYPE in message and case.lab.backwards:
            yield from self._in_backward(case.lab.loss_calls(0), message)
            return
        raise NotApplicable("the program did not stop in a loss")

    def _refused(self, call: Operation, message: str) -> Iterator[Finding]:
        one, other = call.argument(0, "input"), call.argument(1, "target")
        if isinstance(one, Tensor) and isinstance(other, Tensor):
            advice = _advice(call.name, one, other)
            if advice is not None:
                yield self._finding_of(call.name, one, other, call, message, advice)

    def _in_backward(self, calls: list[LossCall], message: str) -> Iterator[Finding]:
        for call in calls:
            if call.target is None or call.target.is_floating_point() or call.name not in FLOAT_LOSSES:
                continue
            yield self._finding_of(call.name, call.input, call.target, call.operation, message, "target.float()")

    def _finding_of(
        self, name: str, one: Tensor, other: Tensor, call: Operation, message: str, advice: str
    ) -> Finding:
        said = message.splitlines()[0] if message else ""
        given = f"{tuple(one.shape)} {_dtype(one)} and {tuple(other.shape)} {_dtype(other)}"
        return self.fault(
            f"{name} stopped the program: input and target are {given}: {advice}",
            where=call.place,
            module=call.module_path,
            evidence=(Evidence("input and target", given), Evidence("message", said)),
            remedy=advice,
            exact=True,
        )


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _advice(name: str, one: Tensor, other: Tensor) -> str | None:
    """What to change; None if shapes and types are fine (then the values are the matter)."""
    if name in CLASS_LOSSES:
        return _class_advice(one, other)
    if name in FLOAT_LOSSES and not other.is_floating_point():
        return "target.float()"
    if one.dtype != other.dtype and other.is_floating_point():
        return f"give both one type: target.to({_dtype(one)})"
    if one.shape != other.shape:
        return "give both the same shape"
    return None


def _class_advice(one: Tensor, other: Tensor) -> str | None:
    soft = other.shape == one.shape
    if other.is_floating_point() and not soft:
        return "labels must be integers: target.long()"
    if not other.is_floating_point() and soft and one.dim() > 1:
        return "one-hot integer targets: target.argmax(1), or target.float() for probabilities"
    expected = (one.shape[0], *one.shape[2:]) if one.dim() > 1 else ()
    if soft or tuple(other.shape) == tuple(expected):
        return None
    if other.dim() == 2 and other.shape[1] == 1:
        return "labels of shape (B,) are expected: target.squeeze(1)"
    if one.dim() == 3 and tuple(other.shape) == tuple(one.shape[:2]):
        return "the classes must be dimension 1: output.transpose(1, 2)"
    return f"labels of shape {tuple(expected)} are expected"
