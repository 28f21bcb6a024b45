"""Trials of a loss as a function of the network's outputs: what its minimum, sign and dependence on the target are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from paramedic.experiments.free_output import (
    FreeOutput,
    best_agreement,
    falls_without_end,
    minimise,
    shrunk,
)
from paramedic.experiments.loss_tail import LossTail
from paramedic.experiments.operations import Operation
from paramedic.experiments.progress import line_searched
from paramedic.measurements.loss import is_two_valued

if TYPE_CHECKING:
    from paramedic.experiments.lab import Lab

SECONDS = 2.0
POLISHING = 60  # steps of a line search
MIXING = 1e-3  # relative change of the other rows' gradients when every second row of outputs moves
UNCHANGED = 1e-6  # relative; float32 rounding of a mean over permuted rows
EXACT = 0.999  # agreement of the best outputs with the target
SATURATING = 60.0  # logits of this size occur in ordinary training; exp(60), its square and 1/exp(60) are finite
MULTIPLICATIONS = frozenset({"mul", "__mul__", "__rmul__", "multiply", "__imul__", "mul_", "dot", "matmul",
                             "__matmul__", "einsum", "div", "__truediv__"})


@dataclass(frozen=True)
class Hazard:
    """An operation of the loss that gives a non-finite value (or gradient) for ordinary outputs.

    backward: whether it is the gradient. when: for which outputs.
    """

    call: Operation
    backward: bool
    when: str
    low: float
    high: float


class LossTrial:
    """One recorded loss, tried with other outputs and targets."""

    def __init__(self, lab: Lab, free: FreeOutput) -> None:
        self.lab, self.free, self.tail = lab, free, free.tail
        self.start = shrunk(self.tail.outputs)

    def loss(self, outputs: Sequence[Tensor], constants: dict[int, Tensor] | None = None) -> Tensor:
        """The loss for free outputs in float32."""
        given = [item.to(old.dtype) for item, old in zip(outputs, self.tail.outputs, strict=True)]
        return self.tail.loss(given, constants).float()

    def gradient(self, outputs: Sequence[Tensor]) -> list[Tensor]:
        free = [item.detach().clone().requires_grad_() for item in outputs]
        value = self.loss(free)
        if not value.requires_grad:
            return [torch.zeros_like(item) for item in free]
        grads = torch.autograd.grad(value, free, allow_unused=True)
        return [torch.zeros_like(item) if grad is None else grad for item, grad in zip(free, grads, strict=True)]

    def somewhere(self, seed: int, scale: float = 1.0) -> list[Tensor]:
        """Random outputs of the recorded shapes."""
        generator = torch.Generator().manual_seed(seed)
        return [
            (scale * torch.randn(item.shape, generator=generator, device="cpu")).to(item.device) for item in self.tail.outputs
        ]

    def without_gradient(self) -> bool:
        """Whether the gradient with respect to every output is exactly zero, at the start and at random outputs."""
        return not any(
            bool((grad != 0).any()) for at in (self.start, self.somewhere(1)) for grad in self.gradient(at)
        )

    def mixes_outputs(self) -> bool:
        """Whether the gradient of some rows depends on the outputs of others, as in contrastive losses."""
        at = self.somewhere(1)
        moved = [item.clone() for item in at]
        for item in moved:
            if item.dim():
                item[::2] += 1.0
        before, after = self.gradient(at), self.gradient(moved)
        largest = max((float(grad.abs().max()) for grad in before if grad.numel()), default=0.0)
        change = max(
            (float((a - b)[1::2].abs().max()) for a, b in zip(before, after, strict=True) if a.dim() and len(a) > 1),
            default=0.0,
        )
        return largest > 0 and change > MIXING * largest

    def weighted_by_reward(self) -> bool:
        """Whether outputs are multiplied by a constant of both signs that is no +-1 label: advantages, rewards.

        A loss with a floor just where outputs are a function of the target (a correlation) is no such loss: with rewards of
        both signs it falls without end.
        """
        if not self.free.unbounded and self.free.agree is not None and self.free.agree > EXACT:
            return False
        free = self.tail.depends_on(self.tail.outputs)
        for call in self.tail.calls:
            if call.name not in MULTIPLICATIONS or not any(id(item) in free for item in call.inputs):
                continue
            for item in call.inputs:
                signed = item.is_floating_point() and id(item) not in free and item.numel() > 2
                if signed and float(item.min()) < 0 < float(item.max()) and item.unique().numel() > 2:
                    return True
        return False

    def unseen_value(self) -> float | None:
        """The value of a two-valued target whose samples have no gradient at any outputs, while the others have.

        None where a second constant of the same size enters the loss: one of the two may be a mask.
        """
        for target in self.free.targets:
            if sum(item.numel() == target.numel() for item in self.tail.constants) > 1:
                continue
            for position, output in enumerate(self.tail.outputs):
                if output.numel() != target.numel() or not is_two_valued(target):
                    continue
                ats = [self.start, *(self.somewhere(seed, 2.0) for seed in (1, 2, 3))]
                moved = torch.stack([self.gradient(at)[position].flatten() != 0 for at in ats]).any(0)
                for value in target.unique():
                    own = (target == value).flatten()
                    if not bool(moved[own].any()) and bool(moved[~own].all()):
                        return float(value)
        return None

    def negated(self) -> tuple[float | None, bool]:
        """Signed agreement of the outputs that maximize the loss, and whether it rises without end."""

        def loss(outputs: list[Tensor]) -> Tensor:
            return -self.loss(outputs)

        found = minimise(loss, self.start, SECONDS)
        given = [item.to(old.dtype) for item, old in zip(found.outputs, self.tail.outputs, strict=True)]
        values = self.tail.run(given)[1]
        counted = {id(old): item for old, item in zip(self.tail.outputs, self.free.counted, strict=True)}
        signed = best_agreement(self.tail, values, self.free.targets, counted)[1]
        return signed, falls_without_end(loss, self.start, found.outputs)

    def polished_agreement(self) -> float | None:
        """Agreement after a line search from the best outputs: targets of 0.0001 lie between the descent's last steps.
        None where no line search is possible.
        """
        free = [item.detach().clone().requires_grad_() for item in self.free.optimum]
        scale = max(abs(self.free.minimum), 1e-30)
        optimizer = torch.optim.LBFGS(
            free, max_iter=POLISHING, tolerance_grad=1e-9, tolerance_change=1e-12, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            optimizer.zero_grad()
            value = self.loss(free) / scale
            value.backward()
            return value

        if not line_searched(optimizer, closure):
            return None
        given = [item.detach().to(old.dtype) for item, old in zip(free, self.tail.outputs, strict=True)]
        if not all(bool(torch.isfinite(item).all()) for item in given):
            return None
        counted = {id(old): item for old, item in zip(self.tail.outputs, self.free.counted, strict=True)}
        return best_agreement(self.tail, self.tail.run(given)[1], self.free.targets, counted)[0]

    def ignores(self, target: Tensor) -> bool:
        """Whether other values of ``target`` leave the loss as it is, at several outputs."""
        others = [item for item in (permuted(target), all_alike(target)) if not torch.equal(item, target)]
        if not others:
            return False
        for at in (self.start, self.somewhere(1), self.free.optimum):
            for other in others:
                with torch.no_grad():
                    try:
                        one, two = float(self.loss(at)), float(self.loss(at, {id(target): other}))
                    except Exception:
                        return False
                if not abs(one - two) <= UNCHANGED * max(abs(one), abs(two), 1e-12):  # NaN says nothing of targets
                    return False
        return True

    def sum_over_rows(self) -> bool | None:
        """Whether the loss doubles when every sample stands in the batch twice; None if that cannot be tried."""
        rows = self.tail.outputs[0].shape[0] if self.tail.outputs[0].dim() else 0
        if rows < 1 or any(item.dim() == 0 or item.shape[0] != rows for item in self.tail.outputs):
            return None

        def twice(items: Sequence[Tensor]) -> list[Tensor]:
            return [torch.cat([item, item]) for item in items]

        constants = {
            id(item): torch.cat([item, item]) for item in self.tail.constants if item.dim() and item.shape[0] == rows
        }
        for seed in (1, 2):
            at = self.somewhere(seed)
            with torch.no_grad():
                try:
                    one, two = float(self.loss(at)), float(self.loss(twice(at), constants))
                except Exception:
                    return None
            if not one or abs(two / one - 2.0) > 1e-3:
                return False
        return True

    def hazards(self) -> list[Hazard]:
        """Operations that are non-finite for saturated outputs, or have a non-finite gradient at equal outputs."""
        found = []
        for when, at in self._ordinary_extremes():
            hazard = self._first_non_finite(at, when)
            if hazard is not None:
                found.append(hazard)
        return found

    def _ordinary_extremes(self) -> list[tuple[str, list[Tensor]]]:
        generator = torch.Generator().manual_seed(0)
        random = [
            SATURATING * torch.rand(item.shape, generator=generator, device="cpu").sub(0.5).sign().to(item.device)
            for item in self.tail.outputs
        ]
        equal = [item[:1].expand(item.shape).clone() if item.dim() else item for item in self.start]
        return [
            ("as they were", [item.detach().float() for item in self.tail.outputs]),
            (f"of size {SATURATING:g}", random),
            ("equal for all samples", equal),
        ]

    def _first_non_finite(self, outputs: list[Tensor], when: str) -> Hazard | None:
        free = [item.detach().clone().requires_grad_() for item in outputs]
        given = [item.to(old.dtype) for item, old in zip(free, self.tail.outputs, strict=True)]
        value, values = self.tail.run(given)
        if not bool(torch.isfinite(value)):
            return self._forward_hazard(values, when)
        if not value.requires_grad:
            return None
        grads = torch.autograd.grad(value, free, allow_unused=True, retain_graph=True)
        if all(grad is None or bool(torch.isfinite(grad).all()) for grad in grads):
            return None
        return self._backward_hazard(value, values, when)

    def _value(self, values: dict[int, Tensor], item: Tensor) -> Tensor:
        return values.get(id(item), item)

    def _forward_hazard(self, values: dict[int, Tensor], when: str) -> Hazard | None:
        for call in self.tail.calls:
            ins = [self._value(values, item).detach() for item in call.inputs if item.is_floating_point()]
            outs = [values[id(item)].detach() for item in call.outputs if item.is_floating_point()]
            if all(bool(torch.isfinite(item).all()) for item in ins) and not all(
                bool(torch.isfinite(item).all()) for item in outs
            ):
                return Hazard(call, False, when, *_range(ins))
        return None

    def _backward_hazard(self, value: Tensor, values: dict[int, Tensor], when: str) -> Hazard | None:
        """The operation that makes a non-finite gradient of a finite one: by itself, since what it is given may get such a
        gradient from another operation."""
        for call in reversed(self.tail.calls):
            outs = [values[id(item)] for item in call.outputs]
            wanted = [item for item in outs if item.requires_grad]
            try:
                grads = torch.autograd.grad(value, wanted, allow_unused=True, retain_graph=True)
                if not all(grad is None or bool(torch.isfinite(grad).all()) for grad in grads):
                    continue
                ins, again = self.tail.alone(call, values)
                back = [
                    torch.zeros_like(item) if grad is None else grad for item, grad in zip(wanted, grads, strict=True)
                ]
                own = [new for new, old in zip(again, outs, strict=True) if old.requires_grad]
                made = torch.autograd.grad(own, ins, back, allow_unused=True)
            except RuntimeError:
                continue
            if not all(grad is None or bool(torch.isfinite(grad).all()) for grad in made):
                return Hazard(call, True, when, *_range([self._value(values, item).detach() for item in call.inputs]))
        return None


def _range(tensors: list[Tensor]) -> tuple[float, float]:
    values = [item for item in tensors if item.numel()]
    if not values:
        return float("nan"), float("nan")
    return min(float(item.min()) for item in values), max(float(item.max()) for item in values)


def permuted(target: Tensor) -> Tensor:
    """Other values of the same kind: the next class, the other of two values, or the rows in reverse order."""
    if target.dtype == torch.bool:
        return ~target
    values = target.unique()
    if not target.is_floating_point() or values.numel() == 2:
        position = torch.searchsorted(values, target)
        return values[(position + 1) % values.numel()]
    return target.flip(0) if target.dim() and len(target) > 1 else target + 1


def all_alike(target: Tensor) -> Tensor:
    """Every element the first one: also a loss that only counts the classes sees it."""
    return target.flatten()[0].expand(target.shape).clone()


def loss_trial(lab: Lab, index: int) -> LossTrial | None:
    """The trial of the ``index``-th recorded loss; None where it cannot be run by itself."""
    free = lab.free_output(index)
    return LossTrial(lab, free) if free is not None else None


def comparison_place(tail: LossTail, targets: Sequence[Tensor]) -> Operation | None:
    """The operation in which outputs and target first meet, else the last one of the loss."""
    free, own = tail.depends_on(tail.outputs), {id(item) for item in targets}
    for call in tail.calls:
        if any(id(item) in own for item in call.inputs) and any(id(item) in free for item in call.inputs):
            return call
    return tail.calls[-1] if tail.calls else None



