"""Whether the samples of a batch keep to themselves on their way through the model (for the checks of row 25)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.implementation.rerun import (
    Comparison,
    Rerun,
    Snapshots,
    Step,
    culprits,
    rerun_of,
    same_values,
)
from paramedic.measurements.dependence import Change, Leak, is_mixed, sample_leak
from paramedic.trace.setup import Setup, Source

LEAK = 1e-4  # relative to the output's standard deviation; healthy: exactly 0 in 56 of 56 runs, faults >= 1.7e-3
SECONDS = 6.0  # for all calls and states together
CALLS = 3  # modules of a program that are looked at
MOVES = frozenset({"transpose", "permute", "t", "T", "mT", "movedim", "moveaxis", "swapaxes", "swapdims", "__get__"})
SEQUENTIAL = frozenset(
    "lstm gru rnn_tanh rnn_relu conv1d conv2d conv3d max_pool1d avg_pool1d cumsum cumprod cummax pad unfold "
    "interpolate scaled_dot_product_attention multi_head_attention_forward roll flip diff logcumsumexp".split()
)
STATISTICS = frozenset("var std var_mean std_mean normalize batch_norm norm vector_norm matrix_norm".split())
RESHAPES = frozenset("view reshape flatten unflatten view_as reshape_as resize_ unfold".split())
REDUCTIONS = frozenset("mean sum max min amax amin median logsumexp prod softmax log_softmax".split())
NEVER_ALONG_A_SEQUENCE = STATISTICS | RESHAPES
INDEXED = frozenset(
    "index_select gather scatter scatter_ scatter_add scatter_add_ scatter_reduce scatter_reduce_ index_add "
    "index_add_ index_copy_ take take_along_dim segment_reduce sparse_mm spmm".split()
)


@dataclass(frozen=True)
class Mixing:
    """A module whose output for one sample changes with another one.

    leak: of the output that leaks most; dim, count: where the samples stand in the input.
    steps: the operations at which it begins, in order. batch: how the dimension is known to hold the samples.
    state: "initial" or "final".
    """

    rerun: Rerun
    leak: Leak
    dim: int
    count: int
    steps: tuple[Step, ...]
    batch: Batch | None
    state: str

    @property
    def names(self) -> set[str]:
        return {step.call.name for step in self.steps}

    @property
    def certain(self) -> bool:
        """Whether the mixed dimension is one of samples, and not a sequence, an image or a set without a batch."""
        unbatched = any(_unbatched(step) for step in self.steps)
        if self.batch is None:
            return bool(self.names) and self.names <= NEVER_ALONG_A_SEQUENCE
        if self.batch.known_by in ("loader", "index"):
            return True
        if self.batch.known_by == "target" and self.rerun.inputs[next(iter(self.rerun.inputs))].dim() < 3:
            return bool(self.names) and self.names <= NEVER_ALONG_A_SEQUENCE | REDUCTIONS
        return not unbatched

    @property
    def by_statistics(self) -> bool:
        """A normalization with the batch's own statistics."""
        return bool(self.names & STATISTICS)


@dataclass(frozen=True)
class Flow:
    """What was found: the mixings, the calls that were tested, and why others were not."""

    mixings: tuple[Mixing, ...]
    tested: tuple[Rerun, ...]
    skipped: tuple[str, ...]


_memory: WeakKeyDictionary[Setup, Flow] = WeakKeyDictionary()


def sample_flow(case: Case) -> Flow:
    """The perturbation test on the outermost module calls of the first recorded step, in evaluation mode."""
    if case.setup not in _memory:
        _memory[case.setup] = _sample_flow(case)
    return _memory[case.setup]


def _sample_flow(case: Case) -> Flow:
    deadline = time.thread_time() + SECONDS
    mixings: list[Mixing] = []
    tested: list[Rerun] = []
    skipped: list[str] = []
    for state in ("initial", "final"):
        with case.lab.at("same"), case.lab.at(state):
            for rerun in calls(case):
                if time.thread_time() > deadline or any(item.rerun.module is rerun.module for item in mixings):
                    continue
                for part in rerun.module.modules():
                    part.training = False
                try:
                    found = _examine(rerun, state)
                except Exception as error:  # the user's module on inputs that it did not expect
                    skipped.append(f"{type(rerun.module).__name__}: {type(error).__name__}: {str(error)[:120]}")
                    continue
                if isinstance(found, str):
                    skipped.append(found)
                else:
                    tested.append(rerun)
                    mixings.extend(found)
    return Flow(tuple(mixings), tuple(tested), tuple(skipped))


def calls(case: Case) -> Iterator[Rerun]:
    """The first call of each outermost module in the main backward's tape that gets a tensor."""
    operations = case.lab.operations(0)
    tape = case.lab.main_backward.tape
    assert tape is not None
    seen: list[nn.Module] = []
    for node in tape.nodes:
        module = node.module
        if module is None or any(module is item for item in seen) or len(seen) >= CALLS:
            continue
        if "loss" in type(module).__name__.lower() or type(module).__module__ == "torch.nn.modules.loss":
            continue
        seen.append(module)
        rerun = rerun_of(case, node, operations.values)
        if rerun.inputs:
            yield rerun


def _examine(rerun: Rerun, state: str) -> list[Mixing] | str:
    """The mixings of one call (none or one), or why it says nothing."""
    name = type(rerun.module).__name__
    base = rerun()
    if not same_values(base, rerun()):
        return f"{name} gives other outputs for the same input"
    if not base:
        return f"{name} has one output for all rows of its input"
    if not all(bool(torch.isfinite(item).all()) for item in base):
        return f"{name} has no finite output"
    primary = _primary(rerun)
    if primary is None:
        return f"{name} gets no batch of two or more samples"
    batch = batch_of(rerun, primary)
    dims = [batch.dim] if batch is not None else [0, 1]
    verdicts: list[tuple[int, Leak, dict[int, Tensor], int]] = []
    for dim in dims:
        found = _worst(rerun, base, primary, dim)
        if found is None:
            continue
        leak, changed, sample = found
        if leak.others <= LEAK and leak.own > LEAK:
            return []
        if leak.others > LEAK:
            verdicts.append((dim, leak, changed, sample))
    if not verdicts:
        return f"no dimension of {name}'s output holds the samples"
    dim, leak, changed, sample = verdicts[0]
    count = rerun.inputs[primary].shape[dim]
    steps = locate(rerun, changed, sample, count)
    if any(_passes_messages(step, count) for step in steps):
        return f"{name} passes messages between the rows along given indices"
    return [Mixing(rerun, leak, dim, count, tuple(steps), batch, state)]


def _primary(rerun: Rerun) -> int | None:
    """The first tensor that a loader or an indexed array gave, else the first one with two dimensions."""
    tape = rerun.case.lab.main_backward.tape
    assert tape is not None
    usable = [number for number, value in rerun.inputs.items() if value.dim() > 0 and value.numel() > 1]
    for number in usable:
        leaf = tape.leaves.get(number)
        if leaf is not None and leaf.source is not None:
            return number
    return next((n for n in usable if rerun.inputs[n].dim() > 1), usable[0] if usable else None)


@dataclass(frozen=True)
class Batch:
    """Which dimension of an input holds the samples, and how that is known: "loader" (its batch size), "index" (rows
    picked by an index), "slice" (rows cut out), "target" (as many as there are targets)."""

    dim: int
    known_by: str


def batch_of(rerun: Rerun, number: int) -> Batch | None:
    """Where the samples stand in an input, as far as its source or the target tells; else None."""
    tape = rerun.case.lab.main_backward.tape
    assert tape is not None
    leaf, value = tape.leaves.get(number), rerun.inputs[number]
    source = leaf.source if leaf is not None else None
    if source is not None and source.loader is not None:
        dim = _loader_dim(rerun.case, source, value)
        if dim is not None:
            return Batch(dim, "loader")
    moved = source is not None and bool({"stack", "cat", *MOVES} & set(source.operations))
    if source is not None and not moved:
        picked = _picked(source, value)
        if picked == "slice" and _next_along(rerun.case, value):
            return Batch(1, picked)
        if picked is not None:
            return Batch(0, picked)
    return _by_target(rerun.case, value)


def _loader_dim(case: Case, source: Source, value: Tensor) -> int | None:
    size = getattr(case.setup.loaders[source.loader or 0].loader, "batch_size", None)
    matching = [dim for dim, length in enumerate(value.shape[:2]) if length == size]
    if len(matching) == 1:
        return matching[0]
    return 0 if matching and not (MOVES - {"__get__"}) & set(source.operations) else None


def _picked(source: Source, value: Tensor) -> str | None:
    index = source.index[0] if isinstance(source.index, tuple) and source.index else source.index
    if isinstance(index, slice):
        cut = source.origin is not None and source.origin.dim() >= 2 and not source.operations
        return "slice" if cut and len(range(*index.indices(len(source.origin)))) == len(value) else None  # type: ignore
    if isinstance(index, Tensor) and index.dim() == 2 and index.dtype != torch.bool and index.shape[1] > 1:
        windows = bool((index[:, 1:] - index[:, :-1] == 1).all())  # source[start + arange]: a window in each row
        return "index" if windows and len(index) == len(value) else None
    if isinstance(index, Tensor) and index.dim() == 1:
        rows = int(index.sum()) if index.dtype == torch.bool else len(index)
        return "index" if rows == len(value) else None
    return "index" if isinstance(index, list) and len(index) == len(value) else None


def _next_along(case: Case, value: Tensor) -> bool:
    """Whether the target is the input one entry further along dimension 0: then that is time (text in columns)."""
    targets = [call.target for call in case.lab.loss_calls(0) if call.target is not None]
    shaped = [target.reshape(value.shape) for target in targets if target.numel() == value.numel()]
    return value.dim() > 1 and len(value) > 1 and any(torch.equal(target[:-1], value[1:]) for target in shaped)


def _by_target(case: Case, value: Tensor) -> Batch | None:
    """Dimension 0 if there are as many targets as entries, and its batches differ from step to step."""
    target = next((call.target for call in case.lab.loss_calls(0) if call.target is not None), None)
    if target is None or target.dim() == 0 or value.dim() < 2 or target.shape[0] != value.shape[0]:
        return None
    if any(size > 1 and size in value.shape[1:2] for size in target.shape) or target.dim() > 2:
        return None
    first = [inputs[0] for inputs, _ in case.lab.batches(limit=2) if inputs]
    varied = len(first) == 2 and first[0].shape == first[1].shape and not torch.equal(first[0], first[1])
    return Batch(0, "target") if varied else None


def _worst(rerun: Rerun, base: list[Tensor], primary: int, dim: int) -> tuple[Leak, dict[int, Tensor], int] | None:
    """The largest leak over inputs, samples, kinds of change and outputs; with the change that showed it."""
    value = rerun.inputs[primary]
    if value.dim() <= dim or value.shape[dim] < 2:
        return None
    count = value.shape[dim]
    changes: list[list[Change]] = [[] for _ in base]
    made: list[tuple[dict[int, Tensor], int]] = []
    for number, where in _batched(rerun, primary, dim, count):
        for sample, changed in perturbations(rerun.inputs[number], where, count):
            outputs = _attempt(rerun, {number: changed})
            if outputs is None or [item.shape for item in outputs] != [item.shape for item in base]:
                continue
            made.append(({number: changed}, sample))
            for position, (before, after) in enumerate(zip(base, outputs, strict=True)):
                changes[position].append(Change(before, after, sample))
    if not made:
        return None
    found = [(leak, items) for items in changes if (leak := sample_leak(items, count)) is not None]
    if not found:
        return None
    worst, items = max(found, key=lambda pair: (pair[0].others > LEAK, pair[0].own))
    single = [(sample_leak([item], count), position) for position, item in enumerate(items)]
    position = max(single, key=lambda pair: pair[0].others if pair[0] is not None else 0.0)[1]
    return worst, *made[position]


def _attempt(rerun: Rerun, changed: dict[int, Tensor]) -> list[Tensor] | None:
    try:
        outputs = rerun(changed)
    except Exception:  # a combination of values that the model cannot take, such as unsorted lengths
        return None
    return outputs if all(bool(torch.isfinite(item).all()) for item in outputs) else None


def _batched(rerun: Rerun, primary: int, dim: int, count: int) -> Iterator[tuple[int, int]]:
    """The inputs with one dimension of ``count`` samples (a square one is a relation or a mask), primary first."""
    yield primary, dim
    for number, value in rerun.inputs.items():
        if number == primary or isinstance(value, nn.Parameter) or value.dim() == 0 or value.dtype == torch.bool:
            continue
        if list(value.shape).count(count) == 1:
            yield number, list(value.shape).index(count)


def perturbations(value: Tensor, dim: int, count: int) -> Iterator[tuple[int, Tensor]]:
    """(sample, changed input): a sample replaced by another one, or made ten times larger (a maximum)."""
    rows = value.movedim(dim, 0)
    for sample in sorted({0, count // 2, count - 1}):
        donor = next(
            (k % count for k in range(sample + count // 2, sample + count // 2 + count)
             if not torch.equal(rows[k % count], rows[sample])),
            None,
        )
        if donor is not None:
            yield sample, _with_row(value, dim, sample, rows[donor])
    if value.is_floating_point():
        yield count // 2, _with_row(value, dim, count // 2, 10 * rows[count // 2])


def _with_row(value: Tensor, dim: int, sample: int, row: Tensor) -> Tensor:
    changed = value.detach().clone()
    changed.movedim(dim, 0)[sample] = row
    return changed


def locate(rerun: Rerun, changed: dict[int, Tensor], sample: int, count: int) -> list[Step]:
    """The operations at which the change of one sample reached others."""
    base = Snapshots()
    rerun.live(watch=base)
    comparison = Comparison(base, lambda one, other: is_mixed(one, other, sample, count))
    outputs = rerun.live(changed, comparison)
    return culprits(comparison.steps, lambda status: status is True, outputs)


def _unbatched(step: Step) -> bool:
    """Whether a layer for sequences or images got one without a batch dimension: then it was meant for it."""
    shape = step.call.inputs[0].shape if step.call.inputs else ()
    return step.call.name in SEQUENTIAL and (len(shape) <= 2 or 1 in shape[:2])


def _passes_messages(step: Step, count: int) -> bool:
    """Rows meet along indices or a matrix that do not come from the changed input: a graph, on purpose."""
    others = [
        tensor for tensor, status in zip(step.call.inputs, step.inputs, strict=False)
        if status is None and not isinstance(tensor, nn.Parameter)
    ]
    if step.call.name in INDEXED or (step.call.name == "__getitem__" and others):
        return any(not tensor.is_floating_point() for tensor in others)
    return any(tensor.is_sparse or list(tensor.shape).count(count) >= 2 for tensor in others)


def described(call: Any) -> str:
    """An operation with its shapes: "view (64, 8, 8) -> (8, 64, 8)"."""
    shapes = [str(tuple(item.shape)) for item in call.inputs[:1]]
    result = [str(tuple(item.shape)) for item in call.outputs[:1]]
    return f"{call.name.strip('_')} {' '.join(shapes)} -> {' '.join(result)}"
