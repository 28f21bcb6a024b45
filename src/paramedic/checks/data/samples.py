"""Rows of inputs and targets of a run, for the checks on data: as recorded, from the dataset, or from the arrays."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch
from torch import Tensor, nn

from paramedic.checks.case import Case
from paramedic.checks.check import NotApplicable, NotChecked
from paramedic.measurements.contest import Contest, contest_of
from paramedic.measurements.data.dataset import Sample, changes_when_read, sample_rows, together
from paramedic.measurements.data.flow import Flow, batch_flow, rows_of
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.pairing import Hashes, Pairing, pairing, positions
from paramedic.measurements.data.workers import is_random
from paramedic.trace.dataset import DataRecord, Split
from paramedic.trace.place import Place
from paramedic.trace.setup import (
    BackwardRecord,
    EvaluationRecord,
    LoaderRecord,
    OptimizerStep,
    Setup,
    StepEvent,
)
from paramedic.trace.tape import Leaf, Node, Tape

Role = Literal["train", "validation"]
ROW_LIMIT = 20_000  # statistics take a part of them; exact traces (a mean of zero) need them all
BYTE_LIMIT = 64 << 20
LEAST_CALLS = 4  # of the model in one recorded evaluation: more than the members of a pair or a triplet
DRAWN_SHARE = 0.8  # of the different rows that drawing with replacement from the whole array gives
SAME_SHARE = (
    0.99  # of the recorded rows that must be found in a table for the table to be what the network sees
)

# Preparations that leave the values of a row and their order in memory alone.
HARMLESS = frozenset(
    "to float double half bfloat16 long int type type_as view reshape flatten unsqueeze squeeze contiguous clone "
    "detach cpu cuda unbind split chunk view_as requires_grad_ pin_memory __get__ data device shape".split()
)


@dataclass(frozen=True)
class Batch:
    """One recorded batch: what enters the model, and what the loss compares its output with.

    inputs: (b, ...), the main input. target: (b, ...) or None. others: further inputs of the model. companions: how many
    constants there are with one entry for each row besides inputs and target: second inputs, masks, weights.
    """

    inputs: Tensor
    target: Tensor | None
    others: tuple[Tensor, ...]
    input_leaf: Leaf
    target_leaf: Leaf | None
    flow: Flow
    tape: Tape
    module: nn.Module
    place: Place | None
    step: int
    training: bool = True
    companions: int = 0


@dataclass(frozen=True)
class Rows:
    """Rows of inputs (n, ...) and targets (n, ...), each row once.

    source: "batches" (recorded), "dataset" or "arrays" (the tensors that batches were cut from).
    seen: the values are those that enter the network. order: rows stand in the order of the dataset or array
    (``index`` are the positions), else in the order of the program. split: of a data set without a program.
    """

    inputs: Tensor
    target: Tensor | None
    source: Literal["batches", "dataset", "arrays"]
    seen: bool
    index: np.ndarray[Any, Any] | None = None
    complete: bool = False
    loss: str | None = None
    split: Split | None = None

    @property
    def hashes(self) -> Hashes:
        """Of whole rows."""
        return row_hashes(self.inputs) if self.split is None or self.split.keys is None else self.split.keys

    def names(self, rows: Iterable[int], most: int = 5) -> list[str]:
        """What people call some of these rows: "row 17", "line 19", "cats/17.png"."""
        chosen = [int(self.index[row]) if self.index is not None else int(row) for row in rows][:most]
        return [self.split.name_of(row) if self.split is not None else f"row {row}" for row in chosen]

    def place(self, rows: Iterable[int]) -> Place | None:
        """Where the first of some rows stands in the files of a data set."""
        first = next(iter(rows), None)
        if self.split is None or self.index is None or first is None:
            return None
        return self.split.place_of(int(self.index[int(first)]))


_memory: WeakKeyDictionary[Setup | DataRecord, dict[Any, Any]] = WeakKeyDictionary()


def remembered(subject: Setup | DataRecord, key: Any, make: Any) -> Any:
    """Checks look at the same rows again and again: read them once for each set-up or data set."""
    known = _memory.setdefault(subject, {})
    if key not in known:
        known[key] = make()
    return known[key]


# -- recorded batches ---------------------------------------------------------------------------------------


def batches(case: Case, role: Role = "train") -> tuple[Batch, ...]:
    """The recorded batches in program order; none without a program."""
    if case.data is not None:
        return ()
    setup = case.setup
    return remembered(setup, ("batches", role), lambda: tuple(_batches(setup, role)))


def _batches(setup: Setup, role: Role) -> Iterator[Batch]:
    if role == "train" and (contest := contest_of(setup)) is not None and (real := list(_real_batches(setup, contest))):
        yield from real
        return
    if role == "train":
        last = {_last_backward(events) for events in setup.steps}
        for step, events in enumerate(setup.steps):
            for record in events:
                # a gradient that no step follows is none of training: an attack on the input, a penalty
                if isinstance(record, BackwardRecord) and record.tape is not None and record.place in last:
                    found = _main_batch(record.tape, setup, record.place, step)
                    if found is not None:
                        yield found
        return
    trained = list(_batches(setup, "train"))
    places = {batch.flow.node.place for batch in trained}
    for call in _validations(setup):
        if call.training and call.grad and call.place in places:
            continue  # the call of the training loop, which was not followed by a backward that could be seen
        for tape in _one_by_one(call):
            # of several networks the one whose batches the training's are: the others may get inputs of another kind
            main = trained[0].module if trained else call.model
            same = any(node.module is main for node in tape.module_calls())
            found = _batch(tape, main if same else call.model, call.place, call.after_step, call.training)
            if found is not None:
                yield found


def _real_batches(setup: Setup, contest: Contest) -> Iterator[Batch]:
    """What a judge is shown as real, where a generator is trained to fool it: the label says that, and belongs to no row."""
    tapes = {id(tape) for tape, _ in contest.real}
    for step, events in enumerate(setup.steps):
        for record in events:
            if isinstance(record, BackwardRecord) and record.tape is not None and id(record.tape) in tapes:
                found = _batch(record.tape, contest.judge, record.place, step, True)
                if found is not None and found.input_leaf.source is not None:
                    flow = replace(found.flow, prediction=None, target=None, loss=None)
                    yield replace(found, target=None, target_leaf=None, flow=flow)


def _one_by_one(record: EvaluationRecord) -> Iterator[Tape]:
    """The tape of an evaluation; in parts where the model is called again and again without a loader, sample by sample, or
    where several evaluations follow each other (validation, then test) whose results do not meet.
    """
    nodes = record.tape.nodes
    calls = [number for number, node in enumerate(nodes) if node.module is record.model]
    parts = [nodes[start:end] for start, end in zip(calls, [*calls[1:], len(nodes)], strict=True)]
    if len(calls) < 2 or len(calls) < LEAST_CALLS and not _apart(parts, record.tape):
        yield record.tape
        return
    for part in parts:
        needed = {number for node in part for number in node.inputs()}
        yield Tape(part, {number: leaf for number, leaf in record.tape.leaves.items() if number in needed}, None, False)


def _apart(parts: list[list[Node]], tape: Tape) -> bool:
    """Whether the parts come from different lines, or have other numbers of rows each (one function that evaluates), so that
    they are no members of a pair; and no part uses what another one has computed."""
    lines, sizes = {str(part[0].place) for part in parts}, {_rows_entering(part[0], tape) for part in parts}
    if len(lines) < len(parts) and (len(sizes) < len(parts) or None in sizes):
        return False
    for part in parts:
        made = {number for node in part for number in node.outputs}
        if any(number not in made and number not in tape.leaves for node in part for number in node.inputs()):
            return False
    return True


def _rows_entering(node: Node, tape: Tape) -> int | None:
    first = next((tape.leaves[number].value for number in node.inputs() if number in tape.leaves), None)
    return len(first) if first is not None and first.dim() else None


def _last_backward(events: list[StepEvent]) -> Place | None:
    places = [record.place for record in events if isinstance(record, BackwardRecord)]
    return places[-1] if places and isinstance(events[-1], OptimizerStep) else None


def _validations(setup: Setup) -> Iterator[EvaluationRecord]:
    for record in setup.evaluations:
        loader = setup.loaders[record.loader] if record.loader is not None else None
        if loader is None or loader.role != "train":
            yield record


def _main_batch(tape: Tape, setup: Setup, place: Place | None, step: int) -> Batch | None:
    """The batch of the first recorded model that gets data of the program's (not noise), else of the first one."""
    found = [
        batch
        for model in setup.models
        if (batch := _batch(tape, model.module, place, step, True)) is not None
    ]
    return next(
        (batch for batch in found if batch.input_leaf.source is not None), found[0] if found else None
    )


def _batch(tape: Tape, module: nn.Module, place: Place | None, step: int, training: bool) -> Batch | None:
    flow = batch_flow(tape, module)
    if flow is None:
        return None
    main = max(flow.inputs, key=lambda number: (_has_source(tape.leaves[number]), -flow.inputs.index(number)))
    leaf = tape.leaves[main]
    target_leaf = tape.leaves[flow.target] if flow.target is not None else None
    inputs = leaf.value.detach().cpu()
    target = rows_of(target_leaf.value.detach().cpu(), len(inputs)) if target_leaf is not None else None
    others = tuple(tape.leaves[number].value.detach().cpu() for number in flow.inputs if number != main)
    companions = sum(
        1
        for other in tape.constants().values()
        if other is not leaf
        and other is not target_leaf
        and other.value.dim()
        and len(other.value) == len(inputs) > 1
    )
    return Batch(
        inputs, target, others, leaf, target_leaf, flow, tape, module, place, step, training, companions
    )


def one_input(case: Case) -> bool:
    """Whether a row of the main input is all there is of a row besides its target."""
    return all(batch.companions == 0 for batch in batches(case))


def _has_source(leaf: Leaf) -> bool:
    return leaf.source is not None


# -- tables the batches were taken from ---------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """All (or a sample of) the rows that batches are drawn from, in their own order, before the user's preparation.

    pairs: how the recorded batches pair these rows (None where the rows are not found again).
    found: share of the recorded rows that stand in the table. random: a row of the dataset is another at every
    reading. drawn_from: the recorded batches were drawn from all of it, as far as one can see, not from a part.
    """

    inputs: Tensor
    target: Tensor | None
    index: np.ndarray[Any, Any]
    complete: bool
    source: Literal["dataset", "arrays"]
    found: float
    pairs: Pairing | None
    random: bool
    drawn_from: bool


def loader_of(case: Case, role: Role = "train") -> LoaderRecord | None:
    """The loader that the recorded batches of this role came from; else the only loader of the role."""
    for batch in batches(case, role):
        source = batch.input_leaf.source
        if source is not None and source.loader is not None:
            return case.loaders[source.loader]
    of_role = [record for record in case.loaders if record.role == role]
    return of_role[0] if len(of_role) == 1 else None


def loader_sample(case: Case, record: LoaderRecord, limit: int = ROW_LIMIT) -> Sample | None:
    """A sample of the loader's dataset, read once."""

    def read() -> Sample | None:
        reading_changes_rows(case, record)  # asked first: every reading wears the evidence off
        return sample_rows(record.dataset, limit, getattr(record.loader, "collate_fn", None))

    return remembered(case.subject, ("sample", id(record), limit), read)


def reading_changes_rows(case: Case, record: LoaderRecord) -> bool:
    """Whether reading a row of the dataset changes what it holds."""
    return remembered(case.subject, ("changes", id(record)), lambda: changes_when_read(record.dataset))


def table(case: Case, role: Role = "train") -> Table | None:
    """The dataset of the loader, or the arrays, that this role's batches come from; None where there is none."""
    return remembered(case.subject, ("table", role), lambda: _table(case, role))


def _table(case: Case, role: Role) -> Table | None:
    if case.data is not None:
        return _table_of(remembered(case.data, ("rows", role), lambda: _rows(case, role)))
    recorded = batches(case, role)
    if not recorded:
        return None
    first = recorded[0]
    raw = _array_table(first) or _dataset_table(case, role, first)
    if raw is None:
        return None
    inputs, target, index, complete, source = raw
    keys = row_hashes(inputs)
    hashed = [batch for batch in recorded if batch.inputs.shape[1:] == inputs.shape[1:]]
    seen = (
        np.concatenate([row_hashes(batch.inputs) for batch in hashed]) if hashed else np.zeros(0, np.uint64)
    )
    found = float((positions(seen, keys) >= 0).mean()) if len(seen) else 0.0
    random = source == "dataset" and _is_random(case, loader_of(case, role))
    drawn_from = source == "dataset" or role == "validation" or _covers(seen, keys)
    return Table(
        inputs, target, index, complete, source, found, _pairs(hashed, keys, target), random, drawn_from
    )


def _table_of(found: Rows | None) -> Table | None:
    if found is None or found.index is None:
        return None
    return Table(found.inputs, found.target, found.index, found.complete, "dataset", 1.0, None, False, True)


def _covers(seen: Hashes, table: Hashes) -> bool:
    """Whether as many different rows of an array were seen as drawing from all of it gives, repetition included."""
    rows, different = len(np.unique(table)), len(np.unique(seen))
    return different >= DRAWN_SHARE * rows * (1.0 - (1.0 - 1.0 / rows) ** len(seen))


def _is_random(case: Case, record: LoaderRecord | None) -> bool:
    try:
        return record is not None and not reading_changes_rows(case, record) and is_random(record.dataset)
    except Exception:  # the dataset's own code
        return False


def _pairs(hashed: list[Batch], keys: Any, target: Tensor | None) -> Pairing | None:
    with_target = [batch for batch in hashed if batch.target is not None]
    if not with_target or target is None or with_target[0].target is None:
        return None
    if any(batch.companions or _is_prepared(batch.target_leaf) or _of_one_array(batch) for batch in with_target):
        return None
    if with_target[0].target.shape[1:] != target.shape[1:]:
        return None
    inputs = np.concatenate([row_hashes(batch.inputs) for batch in with_target])
    targets = np.concatenate([row_hashes(batch.target) for batch in with_target if batch.target is not None])
    return pairing(inputs, targets, keys, row_hashes(target))


def _of_one_array(batch: Batch) -> bool:
    """Whether targets are cut from the array that the inputs are cut from, as those of the next token are: which of its
    rows belongs to which is then not to be seen from where they stand.
    """
    sources = [leaf.source if leaf is not None else None for leaf in (batch.input_leaf, batch.target_leaf)]
    first, second = (source.origin if source is not None else None for source in sources)
    if first is None or second is None:
        return False
    return first.shape == second.shape and first.data_ptr() == second.data_ptr()


def _is_prepared(leaf: Leaf | None) -> bool:
    """Whether values were changed between the array or dataset and the batch."""
    source = leaf.source if leaf is not None else None
    return source is not None and not HARMLESS.issuperset(source.operations)


_Raw = tuple[Tensor, Tensor | None, Any, bool, Literal["dataset", "arrays"]]


def _array_table(batch: Batch) -> _Raw | None:
    source = batch.input_leaf.source
    if source is None or source.origin is None or source.origin.dim() == 0:
        return None
    inputs = like(source.origin.detach().cpu(), batch.inputs)
    if inputs is None or len(inputs) < len(batch.inputs):
        return None
    target = None
    target_source = batch.target_leaf.source if batch.target_leaf is not None else None
    if target_source is not None and target_source.origin is not None and batch.target is not None:
        target = like(target_source.origin.detach().cpu(), batch.target)
        if target is not None and len(target) != len(inputs):
            target = None
    index, complete = _spread(len(inputs), row_limit(inputs))
    chosen = torch.from_numpy(index)
    return inputs[chosen], target[chosen] if target is not None else None, index, complete, "arrays"


def _dataset_table(case: Case, role: Role, batch: Batch) -> _Raw | None:
    record = loader_of(case, role)
    source = batch.input_leaf.source
    if record is None or source is None or source.loader is None:
        return None
    sample = loader_sample(case, record)
    if sample is None or source.path not in sample.tensors:
        return None
    inputs = like(sample.tensors[source.path], batch.inputs)
    if inputs is None:
        return None
    target = None
    target_source = batch.target_leaf.source if batch.target_leaf is not None else None
    if target_source is not None and batch.target is not None and target_source.loader == source.loader:
        raw = sample.tensors.get(target_source.path)
        target = like(raw, batch.target) if raw is not None else None
    return inputs, target, sample.index, sample.complete, "dataset"


def like(raw: Tensor, recorded: Tensor) -> Tensor | None:
    """Raw rows in the dtype and row shape of recorded ones; None where the number of entries differs."""
    if raw.dim() == 0 or not len(raw) or raw[0].numel() != recorded[0].numel():
        return None
    return raw.to(recorded.dtype).reshape(len(raw), *recorded.shape[1:])


def row_limit(inputs: Tensor) -> int:
    return max(2, min(ROW_LIMIT, BYTE_LIMIT // max(1, inputs[0].numel() * inputs.element_size())))


def _spread(length: int, limit: int) -> tuple[np.ndarray[Any, Any], bool]:
    """Up to ``limit`` positions, uniformly drawn, ascending."""
    if length <= limit:
        return np.arange(length), True
    return np.sort(np.random.default_rng(0).permutation(length)[:limit]), False


# -- the list that a program read its rows from ----------------------------------------------------------------


@dataclass(frozen=True)
class Listed:
    """Rows (n, ...) and targets (n, ...) with their ``positions`` (n,) in a list of ``count``, before it was split."""

    inputs: Tensor
    target: Tensor
    positions: np.ndarray[Any, Any]
    count: int


def listed_rows(case: Case) -> Listed | None:
    """The rows in the order of the whole dataset: read again where it can be, else as recorded, each row once; the rows of
    an array that batches are cut from; None where no order is known.
    """
    recorded, record = batches(case), loader_of(case)
    if record is not None and recorded and recorded[0].input_leaf.source is not None:
        return _read_list(record, recorded[0]) or _recorded_list(record, recorded)
    drawn = table(case)
    if drawn is None or drawn.target is None:
        return None
    index = np.asarray(drawn.index)
    return Listed(drawn.inputs, drawn.target, index, int(index.max()) + 1)


def undivided(dataset: Any) -> tuple[Any, np.ndarray[Any, Any] | None]:
    """The dataset that subsets were cut from, and the positions of the rows in it; no positions where there is no subset."""
    positions = None
    for _ in range(5):
        if not hasattr(dataset, "dataset") or not hasattr(dataset, "indices"):
            break
        indices = np.asarray(dataset.indices)
        positions = indices if positions is None else indices[positions]
        dataset = dataset.dataset
    return dataset, positions


def _read_list(record: LoaderRecord, batch: Batch) -> Listed | None:
    source, target = batch.input_leaf.source, batch.target_leaf.source if batch.target_leaf is not None else None
    if source is None or target is None or batch.target is None or target.loader != source.loader:
        return None
    sample = sample_rows(undivided(record.dataset)[0], ROW_LIMIT, getattr(record.loader, "collate_fn", None))
    if sample is None or not sample.complete or not {source.path, target.path} <= sample.tensors.keys():
        return None
    inputs, targets = like(sample.tensors[source.path], batch.inputs), like(sample.tensors[target.path], batch.target)
    if inputs is None or targets is None:
        return None
    return Listed(inputs, targets, np.asarray(sample.index), len(sample.index))


def _recorded_list(record: LoaderRecord, recorded: tuple[Batch, ...]) -> Listed | None:
    inputs: dict[int, Tensor] = {}
    targets: dict[int, Tensor] = {}
    dataset, subset = undivided(record.dataset)
    for batch in recorded:
        drawn = batch.input_leaf.source.drawn if batch.input_leaf.source is not None else None
        positions = record.positions[drawn[0]][drawn[1]] if drawn is not None else None
        if positions is None or batch.target is None or not len(positions) == len(batch.inputs) == len(batch.target):
            continue
        where = np.asarray(positions) if subset is None else subset[np.asarray(positions)]
        for row, position in enumerate(where.tolist()):
            if batch.inputs.shape[1:] == recorded[0].inputs.shape[1:]:
                inputs.setdefault(position, batch.inputs[row])
                targets.setdefault(position, batch.target[row])
    if len(inputs) < 2:
        return None
    order = sorted(inputs)
    stacked = torch.stack([inputs[item] for item in order]), torch.stack([targets[item] for item in order])
    try:
        count = len(dataset)
    except Exception:  # the dataset's own code, or none
        return None
    return Listed(*stacked, np.array(order), count) if order[-1] < count else None


# -- rows for statistics ------------------------------------------------------------------------------------


def rows(case: Case, role: Role = "train", need: int = 2) -> Rows:
    """Rows as they enter the network: from the table where it is what the network sees, else the recorded ones.

    Raises NotApplicable where no batch was recorded, NotChecked where there are fewer than ``need`` rows.
    """
    found = remembered(case.subject, ("rows", role), lambda: _rows(case, role))
    if found is None:
        what = "validation split" if case.data is not None else f"{'training' if role == 'train' else 'validation'} batch"
        raise NotApplicable(f"no {what} was {'given' if case.data is not None else 'recorded'}")
    if len(found.inputs) < need:
        raise NotChecked(f"only {len(found.inputs)} rows are at hand, {need} are needed")
    return found


def _rows(case: Case, role: Role) -> Rows | None:
    if case.data is not None:
        split = case.data.split(role)
        if split is None:
            return None
        inputs = _filled(split.inputs) if split.inputs.is_floating_point() else split.inputs
        return Rows(inputs, split.target, "dataset", True, split.index, split.complete, None, split)
    recorded = batches(case, role)
    if not recorded:
        return None
    drawn = table(case, role)
    loss = recorded[0].flow.loss
    if drawn is not None and _is_what_is_seen(drawn, recorded[0]):
        return Rows(drawn.inputs, drawn.target, drawn.source, True, drawn.index, drawn.complete, loss)
    return _recorded_rows(recorded, loss)


def _filled(inputs: Tensor) -> Tensor:
    """Empty cells as the median of their column, so that one of them does not stop every statistic."""
    bad = ~torch.isfinite(inputs)
    if not bad.any():
        return inputs
    median = torch.nan_to_num(torch.where(bad, torch.nan, inputs).nanmedian(dim=0).values)
    return torch.where(bad, median.expand_as(inputs), inputs)


def _is_what_is_seen(drawn: Table, batch: Batch) -> bool:
    """Recorded rows stand in the table; or only harmless preparation and random augmentation lie between."""
    paired = drawn.pairs is None or drawn.pairs.agreeing >= SAME_SHARE * drawn.pairs.matched
    if not drawn.drawn_from:
        return False
    if batch.target is not None and drawn.target is None:
        return False
    if drawn.complete and drawn.source == "arrays":
        return drawn.found >= SAME_SHARE and paired
    operations = {
        name
        for leaf in (batch.input_leaf, batch.target_leaf)
        if leaf and leaf.source
        for name in leaf.source.operations
    }
    if drawn.complete and not drawn.random:
        return paired and drawn.found >= SAME_SHARE
    return paired and operations <= HARMLESS


def _recorded_rows(recorded: tuple[Batch, ...], loss: str | None) -> Rows:
    first = recorded[0]
    alike = [
        batch
        for batch in recorded
        if batch.inputs.shape[1:] == first.inputs.shape[1:]
        and batch.inputs.dtype == first.inputs.dtype
        and (batch.target is None) == (first.target is None)
        and (batch.target is None or first.target is None or batch.target.shape[1:] == first.target.shape[1:])
    ]
    inputs = together([batch.inputs.cpu() for batch in alike])
    assert inputs is not None
    target = together([batch.target.cpu() for batch in alike if batch.target is not None])
    keep = _first_of_each(inputs, target, row_limit(inputs))
    return Rows(
        inputs[keep], target[keep] if target is not None else None, "batches", True, None, False, loss
    )


def _first_of_each(inputs: Tensor, target: Tensor | None, limit: int) -> Tensor:
    keys = row_hashes(inputs)
    if target is not None and len(target) == len(inputs):
        keys = keys * np.uint64(3) + row_hashes(target)
    _, first = np.unique(keys, return_index=True)
    return torch.from_numpy(np.sort(first)[:limit])


# -- kinds of targets ---------------------------------------------------------------------------------------

CLASS_LOSSES = ("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits")
MOST_CLASSES = 1000


def class_labels(target: Tensor | None, loss: str | None) -> np.ndarray[Any, Any] | None:
    """One class number for each row; None for regression, several labels in a row, tokens and dense targets.

    Integers (n,) or (n, 1), zeros and ones of a binary target, and one-hot rows are class labels.
    """
    if target is None or not target.numel():
        return None
    values = target.detach().cpu()
    if values.dim() == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.dim() == 2 and _is_one_hot(values):
        return values.argmax(dim=1).numpy()
    if values.dim() != 1:
        return None
    if values.is_floating_point():
        if not bool(((values == 0) | (values == 1)).all()):
            return None
    elif loss is not None and "mse" in loss:
        return None
    labels = values.long().numpy()
    return labels if len(np.unique(labels)) <= min(MOST_CLASSES, max(2, len(labels) // 2)) else None


def _is_one_hot(values: Tensor) -> bool:
    if values.shape[1] < 2:
        return False
    numbers = values.float()
    return bool(((numbers == 0) | (numbers == 1)).all() and (numbers.sum(dim=1) == 1).all())


def regression_values(target: Tensor | None) -> np.ndarray[Any, Any] | None:
    """(n,) float values of a target with one number for each row that are not class labels; None otherwise."""
    if target is None or not target.is_floating_point() or target.numel() != len(target):
        return None
    values = target.detach().cpu().double().reshape(-1).numpy()
    return values if len(np.unique(values)) > 2 and np.isfinite(values).all() else None


def is_numeric(inputs: Tensor) -> bool:
    """Whether the rows are numbers and not tokens: floating point, or images as bytes."""
    return inputs.is_floating_point() or inputs.dtype == torch.uint8
