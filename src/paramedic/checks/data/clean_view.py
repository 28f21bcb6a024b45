"""Random augmentation of the training rows: whether there is any, where, and the same rows without it."""

from __future__ import annotations

import copy
import random
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils.data import Dataset, Subset, TensorDataset, default_collate

from paramedic.checks.case import Case
from paramedic.checks.data.passes import model_place
from paramedic.checks.data.places import calls, function_place, line_behind, row_place
from paramedic.checks.data.samples import (
    ROW_LIMIT,
    Batch,
    Role,
    batches,
    like,
    loader_of,
    loader_sample,
    reading_changes_rows,
    remembered,
    row_limit,
    rows,
)
from paramedic.measurements.data.dataset import Sample, by_path, sample_rows
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.pairing import positions
from paramedic.measurements.data.workers import is_random
from paramedic.trace.place import Place, place_of
from paramedic.trace.random_state import random_states_kept
from paramedic.trace.setup import LoaderRecord, Source
from paramedic.trace.tape import Leaf

# Calls that draw values (not those that draw an order or a choice of rows).
DRAWS = (
    "rand rand_like randn randn_like randint randint_like normal normal_ uniform uniform_ bernoulli bernoulli_ random "
    "random_ gauss normalvariate randrange integers standard_normal exponential_ poisson dropout dropout1d dropout2d "
    "beta gamma triangular random_sample getrandbits binomial laplace"
).split()
_DRAW = re.compile(rf"\b({'|'.join(DRAWS)})\(")
SETTING = re.compile("transform|augment", re.IGNORECASE)  # names of attributes that hold an augmentation
SAME_FIT = 1e-4  # of the rms: rounding; a preparation that is a factor and an offset leaves less
SAME_SCALE = 1.5  # ratio of spreads; half a spread of shift. Crops, noise, erased parts and turns change less
COMPARED_ROWS = 12
MOST_WRAPPERS = 4
MOST_STEPS = 50  # of a chain of transforms
OTHER_SETTINGS = "the dataset with the settings of the validation dataset"


@dataclass(frozen=True)
class Augmentation:
    """Training rows are changed at random.

    kind: in the training loop, by reading the dataset, or by the collate function. place: the line that does it.
    """

    kind: Literal["loop", "dataset", "collate"]
    place: Place | None


@dataclass(frozen=True)
class CleanView:
    """The recorded training batches without their augmentation.

    inputs: per recorded batch (as ``batches`` gives them) the rows without augmentation, None where they are unknown.
    how: where these rows come from. known: they are prepared as validation rows are, as far as that can be compared.
    borrowed: they were prepared by the validation rows' own recipe, so that they say nothing of the training rows'.
    """

    inputs: tuple[Tensor | None, ...]
    how: str
    known: bool
    borrowed: bool = False

    @property
    def complete(self) -> bool:
        return bool(self.inputs) and all(item is not None for item in self.inputs)

    def rows(self) -> Tensor:
        """All of them, each row once."""
        pooled = torch.cat([item for item in self.inputs if item is not None])
        _, first = np.unique(row_hashes(pooled), return_index=True)
        return pooled[torch.from_numpy(np.sort(first)[: row_limit(pooled)])]


def augmentation(case: Case) -> Augmentation | None:
    """The random augmentation of the recorded training rows; None where none can be seen."""
    if case.data is not None:
        return None
    return remembered(case.setup, "augmentation", lambda: _augmentation(case))


def _augmentation(case: Case) -> Augmentation | None:
    recorded = batches(case)
    if not recorded:
        return None
    in_loop = [place for batch in recorded if (place := _met_random(batch.input_leaf)) is not None]
    if in_loop:
        return Augmentation("loop", in_loop[0])
    if _varies(case, recorded):
        line = random_line(model_place(case))
        if line is not None:
            return Augmentation("loop", line)
    record = loader_of(case)
    if record is None or reading_changes_rows(case, record):
        return None
    if _random_dataset(record.dataset):
        return Augmentation("dataset", dataset_line(record))
    collate = getattr(record.loader, "collate_fn", None)
    if collate is not default_collate and collate is not None and _random_collate(record):
        return Augmentation("collate", function_place(collate, calls(*DRAWS)) or record.constructed)
    return None


def _met_random(leaf: Leaf | None) -> Place | None:
    source = leaf.source if leaf is not None else None
    return source.random if isinstance(source, Source) else None


def _varies(case: Case, recorded: tuple[Batch, ...]) -> bool:
    """Whether one and the same row of the array or dataset enters the network with other values at another step."""
    seen: dict[int, int] = {}
    for batch in recorded:
        raw = raw_rows(case, batch.input_leaf, batch.inputs)
        if raw is None:
            continue
        for origin, value in zip(row_hashes(raw).tolist(), row_hashes(batch.inputs).tolist(), strict=True):
            if seen.setdefault(origin, value) != value:
                return True
    return False


def _random_dataset(dataset: Any) -> bool:
    try:
        return is_random(dataset)
    except Exception:  # the dataset's own code
        return False


def _random_collate(record: LoaderRecord) -> bool:
    try:
        with random_states_kept():
            few = [record.dataset[number] for number in range(min(4, len(record.dataset)))]
            keys = {
                tuple(int(key) for tensor in by_path(record.loader.collate_fn(few)).values() for key in row_hashes(tensor))
                for _ in range(3)
            }
        return len(keys) > 1
    except Exception:  # the collate function's own code
        return False


# -- places -------------------------------------------------------------------------------------------------


def random_line(place: Place | None) -> Place | None:
    """The last line that draws values among those that the line at ``place`` depends on; None if there is none."""
    found = line_behind(place, calls(*DRAWS))
    return found if found is not None and (found != place or _draws_at(found)) else None


def _draws_at(place: Place) -> bool:
    try:
        with open(place.file, encoding="utf-8") as text:
            line = text.read().splitlines()[place.line - 1]
    except (OSError, ValueError, IndexError):
        return False
    return _DRAW.search(line) is not None


class _Draws(TorchFunctionMode):
    """Notes the user's lines that draw with torch."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[Place] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in DRAWS:
            place = place_of(sys._getframe(1))
            if place is not None:
                self.places.append(place)
        return func(*args, **(kwargs or {}))


def dataset_line(record: LoaderRecord) -> Place | None:
    """The user's line that draws when a row is read; else where the row is returned, or the loader constructed."""
    try:
        with random_states_kept(), _Draws() as mode:
            record.dataset[0]
        if mode.places:
            return mode.places[-1]
    except Exception:  # the dataset's own code
        pass
    written = row_place(record.dataset, calls(*DRAWS))
    if written is not None and _draws_at(written):
        return written
    places = [
        place
        for holder in _chain(record.dataset)
        for value in _callables(holder)
        if (place := function_place(_code_of(value), calls(*DRAWS))) is not None and _draws_at(place)
    ]
    return places[-1] if places else written or record.constructed or record.place


def _code_of(value: Any) -> Any:
    if hasattr(value, "__code__"):
        return value
    return getattr(type(value), "forward", None) or type(value).__call__


def _callables(holder: Any, depth: int = MOST_WRAPPERS) -> Iterator[Any]:
    """Functions and callable objects that an object holds, also in lists, and what these hold."""
    for value in list(getattr(holder, "__dict__", {}).values()):
        for item in value if isinstance(value, (list, tuple)) and len(value) < MOST_STEPS else [value]:
            if callable(item) and not isinstance(item, (type, Dataset)):
                yield item
                if depth:
                    yield from _callables(item, depth - 1)


def _chain(dataset: Any) -> Iterator[Any]:
    """A dataset and those that it wraps."""
    for _ in range(MOST_WRAPPERS):
        yield dataset
        inner = next((value for _, value in _inner(dataset)), None)
        if inner is None:
            return
        dataset = inner


def _inner(dataset: Any) -> Iterator[tuple[str, Any]]:
    for name, value in list(getattr(dataset, "__dict__", {}).items()):
        if isinstance(value, Dataset):
            yield name, value


# -- rows before their preparation ----------------------------------------------------------------------------


def raw_rows(case: Case, leaf: Leaf | None, seen: Tensor) -> Tensor | None:
    """The rows of the array or dataset that a batch was made of, in its order and row shape; None if not known."""
    source = leaf.source if leaf is not None else None
    if not isinstance(source, Source):
        return None
    raw = _loader_rows(case, source) if source.loader is not None else _array_rows(source)
    if raw is None or len(raw) != len(seen):
        return None
    return like(raw.detach().cpu(), seen)


def _array_rows(source: Source) -> Tensor | None:
    if source.origin is None or source.path not in ("__getitem__", "index_select"):
        return None
    if not isinstance(source.index, (Tensor, slice, list, range)):
        return None
    try:
        return source.origin[source.index]
    except (IndexError, TypeError, RuntimeError):
        return None


def _loader_rows(case: Case, source: Source) -> Tensor | None:
    assert source.loader is not None
    record = case.setup.loaders[source.loader]
    sample = loader_sample(case, record)
    raw = sample.tensors.get(source.path) if sample is not None else None
    if raw is None or source.drawn is None:
        return None
    number, batch = source.drawn
    if number >= len(record.fingerprints) or batch >= len(record.fingerprints[number]):
        return None
    table = remembered(case.setup, ("hashes", id(record), source.path), lambda: row_hashes(raw))
    for column in record.fingerprints[number][batch]:
        place = positions(column, table)
        if len(place) and bool((place >= 0).all()):
            return raw[torch.from_numpy(place)]
    return None


# -- the same rows without augmentation --------------------------------------------------------------------------


def clean_view(case: Case) -> CleanView | None:
    """The recorded training rows without random augmentation; None where they cannot be had."""
    return remembered(case.setup, "clean view", lambda: _clean_view(case))


def _clean_view(case: Case) -> CleanView | None:
    found = augmentation(case)
    if found is None:
        return None
    if found.kind == "loop":
        prepare = validation_recipe(case)
        if prepare is None:
            return None
        change, known = prepare
        raw = [raw_rows(case, batch.input_leaf, batch.inputs) for batch in batches(case)]
        record = loader_of(case)
        if record is not None and any(item is None for item in raw):  # the hashes of later passes are not kept
            others = _matched(case, record, record.dataset, "")
            if others is not None:
                raw = [one if one is not None else other for one, other in zip(raw, others.inputs, strict=True)]
        clean = tuple(change(item) if item is not None else None for item in raw)
        return CleanView(clean, "the rows before the training loop changes them", known, borrowed=True)
    record = loader_of(case)
    assert record is not None
    if found.kind == "collate":
        view = _matched(case, record, record.dataset, "the rows of the dataset, put together without the collate function")
        return replace(view, known=False) if view is not None and _of_another_scale(view, batches(case)) else view
    other = loader_of(case, "validation")
    for dataset, how in plain_datasets(record.dataset, other.dataset if other is not None else None):
        if _same_but_constant(record.dataset, dataset):
            view = _matched(case, record, dataset, how)
            if view is not None:
                return replace(view, borrowed=how == OTHER_SETTINGS)
    return None


def _of_another_scale(view: CleanView, recorded: tuple[Batch, ...]) -> bool:
    """Whether what makes the recorded rows of the clean ones scales or shifts them besides changing them at random."""
    pairs = [(clean, batch.inputs) for clean, batch in zip(view.inputs, recorded, strict=True) if clean is not None]
    if not pairs:
        return False
    one, other = (torch.cat([pair[side].double().flatten() for pair in pairs]) for side in (0, 1))
    spread, another = float(one.std()) + 1e-30, float(other.std()) + 1e-30
    shift = abs(float(one.mean() - other.mean())) / max(spread, another)
    return max(spread, another) > SAME_SCALE * min(spread, another) or shift > SAME_SCALE - 1


def plain_inputs(case: Case) -> Tensor:
    """The training rows as they enter the network, without random augmentation where that can be had."""
    clean = clean_view(case) if augmentation(case) is not None else None
    return clean.rows() if clean is not None and clean.known and clean.complete else rows(case).inputs


Change = Callable[[Tensor], Tensor]


def validation_recipe(case: Case) -> tuple[Change, bool] | None:
    """How validation rows are prepared, from pairs of raw and prepared rows: not at all, or by a factor and an offset
    (of each channel). (identity, False) where there are no such pairs; None where it is something else.
    """
    for batch in batches(case, "validation"):
        raw = raw_rows(case, batch.input_leaf, batch.inputs)
        if raw is None:
            continue
        if torch.equal(raw, batch.inputs.cpu()):
            return _as_it_is, True
        return _affine(raw, batch.inputs.cpu())
    return _as_it_is, False


def _as_it_is(values: Tensor) -> Tensor:
    return values


def _affine(raw: Tensor, seen: Tensor) -> tuple[Change, bool] | None:
    if not seen.is_floating_point():
        return None
    one, two = raw.double(), seen.double()
    for dims in (tuple(range(one.dim())), tuple(k for k in range(one.dim()) if k != 1)):
        mean, other = one.mean(dims, keepdim=True), two.mean(dims, keepdim=True)
        spread = ((one - mean) ** 2).mean(dims, keepdim=True)
        factor = ((one - mean) * (two - other)).mean(dims, keepdim=True) / spread.clamp(min=1e-30)
        rest = two - other - factor * (one - mean)
        if float(rest.pow(2).mean().sqrt()) <= SAME_FIT * float(two.pow(2).mean().sqrt()):
            return partial(_scaled, factor, other - factor * mean, seen.dtype), True
    return None


def _scaled(factor: Tensor, offset: Tensor, dtype: torch.dtype, values: Tensor) -> Tensor:
    return (values.double() * factor + offset).to(dtype)


def plain_datasets(dataset: Any, other: Any, depth: int = MOST_WRAPPERS) -> Iterator[tuple[Any, str]]:
    """Datasets with the same rows that may be without augmentation, and how they were made. Nothing is written to."""
    if isinstance(dataset, Subset):
        beneath = other.dataset if isinstance(other, Subset) else other
        for inner, how in plain_datasets(dataset.dataset, beneath, depth - 1) if depth else ():
            yield Subset(inner, dataset.indices), how
        return
    attributes = dict(getattr(dataset, "__dict__", {}))
    if type(other) is type(dataset) and other is not dataset:
        yield _with(dataset, _settings(other)), OTHER_SETTINGS
    off = {name: _off(value) for name, value in attributes.items() if SETTING.search(name) and not isinstance(value, Dataset)}
    if off:
        yield _with(dataset, off), "the dataset without its transform"
        yield _with(dataset, dict.fromkeys(off, _same)), "the dataset without its transform"
    for name, inner in _inner(dataset):
        yield inner, f"the dataset in {name!r}, which the training dataset wraps"
        for deeper, how in plain_datasets(inner, other, depth - 1) if depth else ():
            yield _with(dataset, {name: deeper}), how
    yield from _arrays(dataset, attributes)


def _with(dataset: Any, changes: dict[str, Any]) -> Any:
    twin = copy.copy(dataset)
    twin.__dict__.update(changes)
    return twin


def _settings(dataset: Any) -> dict[str, Any]:
    """Attributes that hold no rows: numbers, flags, names, functions."""
    return {
        name: value
        for name, value in dataset.__dict__.items()
        if value is None
        or isinstance(value, (bool, int, float, str))
        or (callable(value) and not isinstance(value, Dataset))
        or (isinstance(value, Tensor) and value.dim() == 0)
    }


def _off(value: Any) -> Any:
    """The value that switches a setting off: False, 0, no function."""
    if isinstance(value, (bool, int, float)):
        return type(value)()
    return None if callable(value) else value


def _same(*values: Any) -> Any:
    return values[0] if len(values) == 1 else values


def _arrays(dataset: Any, attributes: dict[str, Any]) -> Iterator[tuple[Any, str]]:
    """The arrays of the dataset's own that have an entry for each row."""
    try:
        length = len(dataset)
    except (TypeError, NotImplementedError):
        return
    held = {
        name: torch.as_tensor(value)
        for name, value in attributes.items()
        if isinstance(value, (Tensor, np.ndarray)) and np.ndim(value) and len(value) == length and _numeric(value)
    }
    for name, value in held.items():
        rest = [item for other, item in held.items() if other != name]
        if rest:
            yield TensorDataset(value, *rest), f"the array {name!r} of the dataset"


def _numeric(value: Any) -> bool:
    return isinstance(value, Tensor) or value.dtype.kind in "fiub"


def _same_but_constant(dataset: Any, plain: Any) -> bool:
    """Whether ``plain`` has the same number of rows, always the same ones, and the same targets."""
    try:
        if len(plain) != len(dataset) or _random_dataset(plain):
            return False
        with random_states_kept():
            for number in np.linspace(0, len(dataset) - 1, COMPARED_ROWS).astype(int).tolist():
                one, two = (list(by_path(default_collate([item[number]])).values()) for item in (dataset, plain))
                if len(one) != len(two) or one[0].numel() != two[0].numel():
                    return False
                if any(not torch.equal(a.double(), b.double().reshape(a.shape)) for a, b in zip(one[1:], two[1:], strict=True)):
                    return False
        return True
    except Exception:  # a dataset that does not work without its transform
        return False


def _matched(case: Case, record: LoaderRecord, dataset: Any, how: str) -> CleanView | None:
    """For every recorded row a row of ``dataset`` with the same target: the same row where targets are all different."""
    recorded = batches(case)
    sample = sample_rows(dataset, ROW_LIMIT, None)
    if sample is None or not sample.complete:
        return None
    tensors = list(sample.tensors.values())
    target = _column(record, recorded[0].target_leaf, sample.tensors)
    if target is None:
        return None
    inputs = like(tensors[0], recorded[0].inputs)
    if inputs is None:
        return None
    generator = np.random.default_rng(0)
    found: list[Tensor | None] = []
    groups: dict[int, np.ndarray[Any, Any]] | None = None
    for batch in recorded:
        labels = like(target, batch.target) if batch.target is not None else None
        if labels is None or batch.target is None or batch.inputs.shape[1:] != inputs.shape[1:]:
            found.append(None)
            continue
        groups = _groups(labels) if groups is None else groups
        keys = row_hashes(batch.target.cpu()).tolist()
        if any(key not in groups for key in keys):
            found.append(None)
            continue
        found.append(inputs[torch.tensor([int(generator.choice(groups[key])) for key in keys])])
    return CleanView(tuple(found), how, True)


def _groups(labels: Tensor) -> dict[int, np.ndarray[Any, Any]]:
    keys = row_hashes(labels)
    return {int(key): np.flatnonzero(keys == key) for key in np.unique(keys)}


def _column(record: LoaderRecord, leaf: Leaf | None, tensors: dict[str, Tensor]) -> Tensor | None:
    source = leaf.source if leaf is not None else None
    if isinstance(source, Source) and source.path in tensors:
        return tensors[source.path]
    values = list(tensors.values())
    return values[1] if len(values) == 2 else None


def _read_with(dataset: Any, seed: int) -> Sample | None:
    with random_states_kept():
        torch.manual_seed(seed)
        np.random.seed(seed)
        random.seed(seed)
        return sample_rows(dataset, 64)


def spread_between_draws(case: Case, role: Role = "train") -> float:
    """Mean square difference of two readings of one row over that of two rows; 0 without a random dataset."""

    def measure() -> float:
        record = loader_of(case, role)
        found = augmentation(case)
        if record is None or found is None or found.kind != "dataset":
            return 0.0
        try:
            first, second = (_read_with(record.dataset, seed) for seed in (1, 2))
            assert first is not None and second is not None
            one, two = (next(iter(item.tensors.values())).double().flatten(1) for item in (first, second))
        except Exception:  # the dataset's own code
            return 0.0
        between = float((one - one.roll(1, 0)).pow(2).mean())
        return float((one - two).pow(2).mean()) / max(between, 1e-30)

    return remembered(case.setup, ("spread", role), measure)
