"""The prediction of the next value sees the value that it has to predict."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from paramedic.checks.case import Case
from paramedic.checks.check import Check, NotApplicable, NotChecked
from paramedic.checks.finding import Evidence, Finding
from paramedic.checks.implementation.rerun import Comparison, Snapshots, Step, kept, place_of_step, seeded
from paramedic.measurements.dependence import difference, scale, sees_future
from paramedic.measurements.shifted import Shifted, shifted
from paramedic.trace.tape import Tape

LEAK = 1e-4  # relative to the prediction's standard deviation; healthy: exactly 0, mask missing: 0.7
SECONDS = 6.0


@dataclass(frozen=True)
class Task:
    """A prediction of the future: the loss call, and how its target is a constant of the tape, shifted.

    number: of the constant. position: of the loss call among the operations of its name and place. prediction:
    position of the prediction among that operation's tensors.
    """

    number: int
    shift: Shifted
    name: str
    place: Any
    position: int
    prediction: int


class CausalLeak(Check):
    """A model that predicts the next token or value can see it in its input.

    What it measures: whether the target is the input, shifted by some steps; then the input from position s on is
        replaced, and the predictions of everything up to s are compared, relative to their standard deviation.
        Exactly zero is expected. Then the first operation that lets the future through is searched.
    Why it matters: the training loss falls far below what is possible, and the model is worthless where the future
        is not known: in generation and forecasting.
    Fix: a causal mask in attention, a one-directional recurrent layer, padding on the left only in a convolution.
    Not a fault when: the target is not the input's own future: tagging, masked tokens, autoencoders.
    References: the article's reason 25; A. Vaswani et al., Attention Is All You Need, 2017, section 3.2.3; A. van den
        Oord et al., WaveNet, 2016.
    """

    reason = "R25"
    name = "causal-leak"
    also = ("R04",)
    needs = ("setup", "replay")
    cost = "replay"
    at_once = True

    def examine(self, case: Case) -> Iterator[Finding]:
        found = list(tasks(case))
        if not found:
            raise NotApplicable("no target is the input, shifted in time")
        leaks = [leak for task in found for leak in [_leak(case, task)] if leak is not None]
        if not leaks:
            raise NotChecked("the recorded step does not repeat itself with another future")
        worst = min(leaks, key=lambda leak: leak.size)  # a copy task may read all of its source, not of its target
        if worst.size <= LEAK or worst.by_summary:
            return
        step = worst.steps[0] if worst.steps else None
        door = f"{step.call.name.strip('_')} lets the future through: " if step is not None else ""
        node = step.call.node if step is not None else None
        where = place_of_step(case.setup, step.call, node) if step is not None and node is not None else None
        advice = _advice(step)
        steps = worst.task.shift.ahead
        ahead = "the next position" if steps == 1 else f"the position {steps} steps ahead"
        yield self.fault(
            f"the target is the input at {ahead}, and its prediction changes with it by {worst.size:.2g} standard "
            f"deviations (expected 0): {door}{advice}",
            where=where or worst.task.place,
            module=step.call.module_path if step is not None else None,
            evidence=(
                Evidence("change of earlier predictions", worst.size, "0", "standard deviations"),
                Evidence("target equals input", worst.task.shift.agreement, "", f"at t + {worst.task.shift.ahead}"),
            ),
            remedy=advice,
            explains=("R04", "R30", "R21", "R27", "R32"),
            exact=True,
        )


@dataclass(frozen=True)
class Leak:
    """size: change of predictions of what lies before the change. by_summary: it goes through a summary of the whole
    sequence without a time dimension (the code of an autoencoder), on purpose."""

    task: Task
    size: float
    steps: tuple[Step, ...]
    by_summary: bool


def tasks(case: Case, present: bool = False) -> Iterator[Task]:
    """Constants that the first loss call's target is a shifted copy of; with ``present``, copies in place too."""
    operations = case.lab.operations(0)
    tape = case.lab.main_backward.tape
    assert tape is not None
    for call in case.lab.loss_calls(0)[:2]:
        if call.target is None or call.target.numel() < 2 or call.input.numel() % call.target.numel():
            continue
        alike = [item for item in operations.calls if _key(item) == _key(call.operation)]
        position = next(i for i, item in enumerate(alike) if item is call.operation)
        ignored = call.argument(4, "ignore_index", -100) if call.name in ("cross_entropy", "nll_loss") else -100
        found = False
        for number, leaf in tape.constants().items():
            if leaf.value.dim() > 3 or leaf.value.numel() < 2 or leaf.value.dtype == torch.bool:
                continue
            if number not in _read_by_modules(tape):
                continue
            shift = shifted(leaf.value, call.target, ignored if isinstance(ignored, int) else -100, present)
            if shift is not None:
                found = True
                operation = call.operation
                ordinal = next(i for i, item in enumerate(operation.inputs) if item is call.input)
                yield Task(number, shift, operation.name, operation.place, position, ordinal)
        if found:
            return


def _read_by_modules(tape: Tape) -> set[int]:
    """Numbers of the values from which the inputs of the tape's module calls are computed."""
    wanted: set[int] = set()
    for node in reversed(tape.nodes):
        if node.module is not None or any(number in wanted for number in node.outputs if number is not None):
            wanted.update(node.inputs())
    return wanted


def _key(operation: Any) -> tuple[str, Any]:
    return operation.name, operation.place


def _leak(case: Case, task: Task) -> Leak | None:
    """The largest leak over some positions, at the initial or the final state."""
    deadline = time.thread_time() + SECONDS
    worst: Leak | None = None
    length = task.shift.length
    for state in ("initial", "final"):
        with case.lab.at("same"), case.lab.at(state):
            for position in sorted({length // 2, length - 1, task.shift.ahead + 1}, key=lambda s: abs(s - length // 2)):
                if position >= length or (worst is not None and time.thread_time() > deadline):
                    continue
                found = _leak_at(case, task, position)
                if found is not None and (worst is None or found.size > worst.size):
                    worst = found
        if worst is not None and worst.size > LEAK:
            break
    return worst


def _leak_at(case: Case, task: Task, position: int) -> Leak | None:
    tape = case.lab.main_backward.tape
    assert tape is not None
    value = tape.leaves[task.number].value
    changed = other_future(value, task.shift.input_index, position)
    if changed is None:
        return None
    base_run = run_task(case, tape, task, {task.number: value})
    other_run = run_task(case, tape, task, {task.number: changed})
    again = run_task(case, tape, task, {task.number: value})
    if base_run is None or other_run is None or again is None or base_run.shape != other_run.shape:
        return None
    if float(difference(base_run, again).max()) > 0:
        return None
    early = max(0, position - task.shift.ahead + 1)
    index = task.shift.target_index[:, :early].flatten()
    size = largest_change(base_run, other_run, index)
    if size <= LEAK:
        return Leak(task, size, (), False)
    steps, by_summary = _locate(case, tape, task, changed, position)
    return Leak(task, size, tuple(steps), by_summary)


def largest_change(base: Tensor, other: Tensor, index: Tensor) -> float:
    """Over the predictions at ``index``, in standard deviations of all of ``base``."""
    delta = difference(base, other)[index]
    return float(delta.max()) / scale(base) if delta.numel() else 0.0


def other_future(value: Tensor, index: Tensor, position: int) -> Tensor | None:
    """The input with everything from ``position`` on taken from other sequences, or else from other times."""
    grid = value.detach().flatten()[index]
    for donor in (grid.roll(1, 0), grid.roll(grid.shape[1] // 2, 1), grid.roll(1, 1)):
        if not torch.equal(donor[:, position], grid[:, position]):
            flat = value.detach().flatten().clone()
            flat[index[:, position:]] = donor[:, position:]
            return flat.reshape(value.shape)
    return None


def run_task(case: Case, tape: Tape, task: Task, replace: dict[int, Tensor], watch: Any = None) -> Tensor | None:
    """The loss call's prediction (entries of the target, classes) in evaluation mode; None if the run fails."""
    with ExitStack() as stack:
        for root in case.lab.modules():
            stack.enter_context(kept(root))
            for part in root.modules():
                part.training = False
        seeded()
        copies = {number: tensor.detach().clone() for number, tensor in replace.items()}
        operations = case.lab.log(tape, watch, replace=copies, modes=False)
        calls = [item for item in operations.calls if _key(item) == (task.name, task.place)]
        if len(calls) <= task.position:
            return None
        return predictions(calls[task.position].inputs[task.prediction], task)


def predictions(prediction: Tensor, task: Task) -> Tensor | None:
    """The prediction of a loss call as (entries of the target, values for each)."""
    entries = task.shift.target_index.numel()
    if task.name in ("cross_entropy", "nll_loss") and prediction.dim() > 2 and prediction.numel() > entries:
        prediction = prediction.movedim(1, -1)
    return prediction.detach().reshape(entries, -1) if prediction.numel() % entries == 0 else None


def _locate(case: Case, tape: Tape, task: Task, changed: Tensor, position: int) -> tuple[list[Step], bool]:
    """The operations that let the future through, in order; and whether it only goes through a summary."""
    base = Snapshots()
    if run_task(case, tape, task, {task.number: tape.leaves[task.number].value}, base) is None:
        return [], False
    lengths = {task.shift.length, task.shift.target_index.shape[1]}
    comparison = Comparison(base, lambda one, other: sees_future(one, other, position, lengths))
    run_task(case, tape, task, {task.number: changed}, comparison)
    calls = [step for step in comparison.steps if _key(step.call) == (task.name, task.place)]
    if len(calls) <= task.position:
        return [], False
    return _doors(comparison.steps, calls[task.position])


def _doors(steps: list[Step], last: Step) -> tuple[list[Step], bool]:
    """Walk back from the prediction along what sees the future, to where it begins to.

    A tensor without a time dimension that is smaller than what it is computed from is a summary (the code of an
    autoencoder): what sees the future through it is meant to.
    """
    wanted = {_storage(item) for item in last.call.inputs}
    path: list[Step] = []
    summaries: set[int] = set()
    for step in reversed(steps[: steps.index(last)]):
        mine = [
            (tensor, status) for tensor, status in zip(step.call.outputs, step.outputs, strict=False)
            if status in ("future", "unknown") and _storage(tensor) in wanted
        ]
        if not mine:
            continue
        origins = [
            (tensor, status) for tensor, status in zip(step.call.inputs, step.inputs, strict=False)
            if status in ("future", "unknown")
        ]
        timed = [tensor.numel() for tensor, status in zip(step.call.inputs, step.inputs, strict=False)
                 if status in ("future", "past")]
        small = [tensor for tensor, status in mine if status == "unknown" and any(tensor.numel() < n for n in timed)]
        if len(small) == len(mine):
            summaries.update(_storage(tensor) for tensor in small)
            continue
        path.append(step)
        wanted.update(_storage(tensor) for tensor, _ in origins)
    path.reverse()
    return _beginnings(path, summaries)


def _beginnings(path: list[Step], summaries: set[int]) -> tuple[list[Step], bool]:
    found, by_summary = [], False
    for step in path:
        inputs = list(zip(step.call.inputs, step.inputs, strict=False))
        summed = any(_storage(tensor) in summaries and status == "unknown" for tensor, status in inputs)
        if summed:
            by_summary = True
            summaries.update(_storage(tensor) for tensor in step.call.outputs)
        elif "future" in step.outputs and not any(status == "future" for _, status in inputs):
            found.append(step)
    return found, by_summary and not found


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr() if tensor.layout is torch.strided else id(tensor)


def _advice(step: Step | None) -> str:
    if step is None:
        return "let each position see only what comes before it"
    name = step.call.name
    if "attention" in name:
        return "pass a causal mask (attn_mask with is_causal, generate_square_subsequent_mask)"
    if name in ("softmax", "matmul", "bmm", "__matmul__", "einsum"):
        return "mask the scores of later positions with -inf before the softmax"
    if name in ("lstm", "gru", "rnn_tanh", "rnn_relu"):
        return "a bidirectional layer reads the future: bidirectional=False"
    if "conv" in name or name in ("pad", "unfold"):
        return "pad on the side of the past only ((kernel - 1) * dilation)"
    if "norm" in name or name in ("mean", "var", "std", "sum", "amax", "max"):
        return "statistics over time contain the future: normalize each position on its own"
    return "let each position see only what comes before it"
