"""The free-output test: what a perfect network, and one that knows nothing, could reach with this loss.

The outputs of the terminal parametric operations are replaced by free tensors, and the program's own loss is
minimised over them. Nothing needs to be known about the loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from paramedic.experiments.loss_tail import LossTail, loss_tail
from paramedic.measurements.loss import agreement, class_dimension, is_class_index

if TYPE_CHECKING:
    from paramedic.experiments.lab import Lab

STEPS = 150  # of the minimisation; healthy losses of 28 set-ups are at their floor after 150
PROBE_STEPS = 30  # to find the scale of the step
# Adam's, each tried while the last one led further: targets in the hundreds need the larger ones, pressures in pascals
# and prices the largest (the slope of an absolute error is the same everywhere).
RATES = (0.3, 3.0, 30.0, 300.0, 3e3, 3e4, 3e5)
SECONDS = 4.0  # of this thread's processor time, for all of one test: a busy machine must not change a verdict
LEAST_STEPS = 20  # of each descent, whatever the time
START_STD = 2.0  # outputs are shrunk to it: a badly scaled last layer must not look like a wrong loss
RAY = (1.0, 10.0, 100.0)  # the optimum's direction is followed this far to see whether the loss has a floor
UNBOUNDED_GROWTH = 3.0  # a fall from 10 to 100 this many times that from 1 to 10: linear is 10, towards a floor < 1
POOL_ROWS = 256  # the best constant is fitted to so many rows where more batches are recorded
POOL_BATCHES = 8


@dataclass(eq=False)
class FreeOutput:
    """What free outputs reach.

    start: the loss at the outputs as they were; minimum: the least loss that was reached; constant: the least with
    one output row for all samples (chance). agree: how well the best outputs give the target (1 = perfectly, in
    either direction: distances are small for equal pairs), None if there is none to compare with; signed: the same,
    negative where every value that is compared runs against the target (None where these are distances).
    unbounded: the loss falls without end in the direction of the optimum. finite: no loss on the way was NaN or
    infinite. optimum: the best outputs, in the order of ``tail.outputs``; values: all values of the tail there, by
    id of the logged tensor. counted: per output, the elements that the loss depends on. complete: the minimization
    was not cut short by its time limit.
    """

    tail: LossTail
    start: float
    minimum: float
    constant: float
    agree: float | None
    signed: float | None
    unbounded: bool
    finite: bool
    optimum: list[Tensor]
    values: dict[int, Tensor] = field(repr=False, default_factory=dict)
    counted: list[Tensor] = field(repr=False, default_factory=list)
    targets: list[Tensor] = field(repr=False, default_factory=list)
    complete: bool = True
    seconds: float = 0.0

    def u(self, loss: float) -> float:
        """``loss`` on the scale 1 = knows nothing, 0 = perfect; NaN where the two ends coincide."""
        span = self.constant - self.minimum
        if not span > 1e-9 * max(1.0, abs(self.constant)):
            return float("nan")
        return (loss - self.minimum) / span


@dataclass(eq=False)
class Descent:
    """The result of a minimisation: the least loss, where it is, and whether all losses were finite."""

    loss: float
    outputs: list[Tensor]
    finite: bool
    complete: bool


def shrunk(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Outputs in float32, finite, with a standard deviation of at most START_STD."""
    result = []
    for item in outputs:
        value = torch.nan_to_num(item.detach().float(), nan=0.0, posinf=0.0, neginf=0.0)
        std = float(value.std()) if value.numel() > 1 else 0.0
        result.append(value * (START_STD / std) if std > START_STD else value.clone())
    return result


def scattered(outputs: Sequence[Tensor]) -> list[Tensor]:
    """Outputs with standard normal noise: what the loss leaves undetermined then does not agree with a target."""
    generator = torch.Generator().manual_seed(0)
    return [item + torch.randn(item.shape, generator=generator, device="cpu").to(item.device) for item in outputs]


def descend(
    loss: Callable[[list[Tensor]], Tensor], start: Sequence[Tensor], rate: float, steps: int, deadline: float
) -> Descent:
    """Minimise by Adam with a rate that decays linearly to 0."""
    free = [item.clone().requires_grad_() for item in start]
    optimizer = torch.optim.Adam(free, lr=rate)
    best, at, finite = float("inf"), [item.detach().clone() for item in free], True
    for step in range(steps + 1):
        value = loss(free)
        number = float(value.detach())
        if number != number or number in (float("inf"), float("-inf")):
            finite = False
            break
        if number < best:
            best, at = number, [item.detach().clone() for item in free]
        late = step >= LEAST_STEPS and time.thread_time() > deadline
        if step == steps or late or not value.requires_grad:
            break
        optimizer.zero_grad()
        value.backward()
        if not all(item.grad is None or bool(torch.isfinite(item.grad).all()) for item in free):
            finite = False
            break
        optimizer.param_groups[0]["lr"] = rate * (1 - step / steps)
        optimizer.step()
    return Descent(best, at, finite, step == steps)


def minimise(loss: Callable[[list[Tensor]], Tensor], start: Sequence[Tensor], seconds: float) -> Descent:
    """Find the rate by short probes, then descend; the best point of all."""
    began = time.thread_time()
    probes: list[tuple[float, Descent]] = []
    for rate in RATES:
        found = descend(loss, start, rate, PROBE_STEPS, began + seconds * (0.1 + 0.1 * len(probes)))
        probes.append((rate, found))
        if not found.complete or len(probes) > 1 and found.loss > probes[-2][1].loss:
            break
    rate, best = min(probes, key=lambda item: item[1].loss)
    final = descend(loss, start, rate, STEPS, began + seconds)
    result = final if final.loss <= best.loss else best
    return Descent(result.loss, result.outputs, probes[0][1].finite, final.complete)


def falls_without_end(loss: Callable[[list[Tensor]], Tensor], start: Sequence[Tensor], end: Sequence[Tensor]) -> bool:
    """Whether the loss falls at least linearly from ``start`` through ``end`` and far beyond."""
    with torch.no_grad():
        at = [float(loss([a + far * (b - a) for a, b in zip(start, end, strict=True)])) for far in RAY]
    near, beyond = at[0] - at[1], at[1] - at[2]
    if not all(value == value for value in at):
        return False
    return near > 0 and beyond > UNBOUNDED_GROWTH * near


def _shared_shape(output: Tensor, targets: Sequence[Tensor]) -> tuple[int, ...]:
    """The shape of one output row that all samples (all positions, for class numbers) share."""
    for target in targets:
        dim = class_dimension(output, target)
        if dim is not None:
            return tuple(size if number == dim else 1 for number, size in enumerate(output.shape))
    return (1, *output.shape[1:]) if output.dim() else ()


def _row_groups(tail: LossTail, shapes: Sequence[tuple[int, ...]]) -> list[int]:
    """Per output, the first output that has the same parameters and row shape: a network called twice (a
    discriminator on real and generated samples, a siamese network) has one best constant."""
    keys = []
    for item, shape in zip(tail.outputs, shapes, strict=True):
        call = next(call for call in tail.terminals if any(out is item for out in call.outputs))
        position = next(number for number, out in enumerate(call.outputs) if out is item)
        keys.append((tuple(id(value) for value in call.inputs if isinstance(value, nn.Parameter)), position, shape))
    return [keys.index(key) if key[0] else number for number, key in enumerate(keys)]


def _fit_constant(tails: Sequence[LossTail], targets: Sequence[Tensor], seconds: float) -> float:
    """The mean loss over the batches of ``tails`` with the best common output row."""
    shapes = [_shared_shape(item, targets) for item in tails[0].outputs]
    groups = _row_groups(tails[0], shapes)
    used = sorted(set(groups))

    def loss(rows: list[Tensor]) -> Tensor:
        values = []
        for tail in tails:
            own = [rows[used.index(group)] for group in groups]
            outputs = [row.expand(item.shape).to(item.dtype) for row, item in zip(own, tail.outputs, strict=True)]
            values.append(tail.loss(outputs))
        return torch.stack([value.float() for value in values]).mean()

    start = []
    for number, item in enumerate(shrunk(tails[0].outputs)):
        dims = [dim for dim, size in enumerate(shapes[number]) if size == 1 and item.shape[dim] != 1]
        if number in used:
            start.append(item.mean(dims, keepdim=True) if dims else item)
    return minimise(loss, start, seconds).loss


def _fits(tail: LossTail, other: LossTail, targets: Sequence[Tensor]) -> bool:
    """Whether another batch's tail has the same output rows."""
    if len(tail.outputs) != len(other.outputs) or len(tail.calls) != len(other.calls):
        return False
    pairs = zip(tail.outputs, other.outputs, strict=True)
    return all(
        a.dim() == b.dim() and all(s in (1, n) for s, n in zip(_shared_shape(a, targets), b.shape, strict=True))
        for a, b in pairs
    )


def _pool(lab: Lab, tail: LossTail, index: int, targets: Sequence[Tensor]) -> list[LossTail]:
    """The tails of further batches of the same loss, for a constant that does not fit one small batch alone."""
    pool = [tail]
    rows = max((item.shape[0] for item in tail.outputs if item.dim()), default=1)
    length = len(lab.backwards[index].tape.nodes)  # type: ignore[union-attr]
    for number, record in enumerate(lab.backwards):
        if len(pool) * rows >= POOL_ROWS or len(pool) >= POOL_BATCHES:
            break
        if number == index or record.tape is None or len(record.tape.nodes) != length:
            continue
        other = loss_tail(lab.operations(number))
        if other is not None and _fits(tail, other, targets) and other.faithful():
            pool.append(other)
    return pool


def targets_of(lab: Lab, tail: LossTail, index: int) -> list[Tensor]:
    """What the outputs could be compared with: targets of library losses; by hand, all constants of the tail."""
    calls = lab.loss_calls(index)
    known = [call.target for call in calls if call.target is not None and not call.by_hand]
    computed = {id(item) for call in tail.calls for item in call.outputs}
    found = [item for item in known if id(item) not in computed and not item.requires_grad]
    return found or list(tail.constants)


def best_agreement(
    tail: LossTail, values: dict[int, Tensor], targets: Sequence[Tensor], counted: dict[int, Tensor]
) -> tuple[float | None, float | None]:
    """The best agreement of any value before the comparison with any of the targets: in either direction; and signed,
    of values that can be negative (distances cannot, and run against the target rightly)."""
    fed = tail.network_inputs()
    scores, signed = [], []
    for target in targets:
        # a value that is made from what the network gets, a state that goes on from it, is still before the comparison
        joined = tail.depends_on([item for item in targets if item is target or id(item) not in fed])
        for number, value in values.items():
            if number in joined or not value.is_floating_point():
                continue
            score = agreement(value.detach(), target, counted.get(number))
            if score is not None:
                scores.append(abs(score))
                signed.extend([score] if bool((value < 0).any()) else [])
    return max(scores, default=None), max(signed, default=None)


def counted_elements(tail: LossTail, start: Sequence[Tensor]) -> list[Tensor]:
    """Per output, whether the loss depends on each element (its gradient is not zero)."""
    free = [item.clone().requires_grad_() for item in start]
    value = tail.loss(free)
    if not value.requires_grad:
        return [torch.zeros_like(item, dtype=torch.bool) for item in free]
    grads = torch.autograd.grad(value, free, allow_unused=True)
    return [
        torch.zeros_like(item, dtype=torch.bool) if grad is None else grad != 0
        for item, grad in zip(free, grads, strict=True)
    ]


def free_output(lab: Lab, index: int = 0) -> FreeOutput | None:
    """The test on the ``index``-th recorded backward call; None where the loss cannot be run by itself."""
    began = time.perf_counter()
    tail = loss_tail(lab.operations(index))
    if tail is None:
        return None
    with lab.at("initial"), torch.enable_grad():
        if not tail.faithful():
            return None
        targets = targets_of(lab, tail, index)
        start = shrunk(tail.outputs)

        def loss(free: list[Tensor]) -> Tensor:
            return tail.loss([item.to(old.dtype) for item, old in zip(free, tail.outputs, strict=True)]).float()

        found = minimise(loss, scattered(start), 0.6 * SECONDS)
        unbounded = falls_without_end(loss, start, found.outputs)
        _, values = tail.run([item.to(old.dtype) for item, old in zip(found.outputs, tail.outputs, strict=True)])
        counted = counted_elements(tail, start)
        by_id = {id(old): item for old, item in zip(tail.outputs, counted, strict=True)}
        agree = best_agreement(tail, values, targets, by_id)
        classes = [item for item in targets if is_class_index(item)]
        constant = _fit_constant(_pool(lab, tail, index, classes), classes, 0.4 * SECONDS)
        return FreeOutput(
            tail, float(loss(start).detach()), found.loss, constant, *agree, unbounded, found.finite, found.outputs,
            values, counted, targets, found.complete, time.perf_counter() - began,
        )
