"""``TARGET`` of ``paramedic data``, or an object, as a record of its splits."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, TensorDataset

from paramedic.config import nearest
from paramedic.sources.arrays import ArrayReader, as_array, label_codes
from paramedic.sources.datasets import (
    DatasetReader,
    StreamReader,
    is_loader,
    is_map_style,
    recorded_loader,
)
from paramedic.sources.files import SPLIT_WORDS, pair_of, reader_of, splits_at
from paramedic.sources.image_folder import ImageFolderReader
from paramedic.sources.reader import Reader, SourceError, collect
from paramedic.sources.table import TableReader
from paramedic.trace.dataset import DataRecord, Problem, Role, Split
from paramedic.trace.place import Place, relative

if TYPE_CHECKING:
    from paramedic.integrations.cluster import Cluster

SHOWN_COLUMNS = 12  # of a table, in a message
LOADER_SECONDS = 60.0  # for two passes over a loader
ROLES = {"train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
         "dev": "validation", "test": "validation"}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """label: column, key or array of the labels. splits: role -> what the user named for it. regression: labels are
    values (True), classes (False), or what they look like (None). workers: processes that read. ray: address of the
    Ray cluster that reads instead."""

    label: str | None = None
    splits: Mapping[str, str] | None = None
    regression: bool | None = None
    workers: int = 0
    progress: Callable[[str, int], None] = lambda name, rows: None
    ray: str | None = None


def role_of(name: str) -> Role:
    """The role that a split's name means; SourceError for an unknown one."""
    role = ROLES.get(name.lower())
    if role is None:
        raise SourceError(f'--split: "{name}" is no split{nearest(name, list(ROLES))}; write train=... val=...')
    return cast(Role, role)


def open_text(target: str, wanted: Wanted) -> DataRecord:
    """A path, or ``module:attribute`` (with the working directory importable, as with ``python -m``)."""
    path = Path(target)
    module, colon, attribute = target.partition(":")
    if not path.exists() and colon and attribute and os.sep not in module:
        return open_object(*_imported(module, attribute), target, wanted)
    if not path.exists():
        raise SourceError(f"no such file or folder: {target}")
    return open_path(path, target, wanted)


def _imported(module: str, attribute: str) -> tuple[Any, Place | None]:
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise SourceError(f"no module named {error.name!r}") from error
    except Exception as error:  # the user's own code
        raise SourceError(f"importing {module} failed: {type(error).__name__}: {str(error)[:200]}") from error
    file = getattr(found, "__file__", None)
    place = Place(relative(file), _line_of(attribute.partition(".")[0], Path(file))) if file else None
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = [name for name in dir(found) if not name.startswith("_")]
            raise SourceError(f'{module} has no "{part}"{nearest(part, names)}')
        found = getattr(found, part)
    if inspect.isfunction(found):
        try:
            found = found()
        except Exception as error:  # the user's own code
            raise SourceError(f"{module}:{attribute}() failed: {type(error).__name__}: {str(error)[:200]}") from error
    return found, place


def _line_of(name: str, file: Path) -> int:
    """The last line of a module's top level that makes ``name``; 1 if there is none to be seen."""
    try:
        body = ast.parse(file.read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):
        return 1
    lines = [statement.lineno for statement in body if name in _made_by(statement)]
    return max(lines, default=1)


def _made_by(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [node.id for target in targets if target is not None for node in ast.walk(target) if isinstance(node, ast.Name)]


# -- paths --------------------------------------------------------------------------------------------------


def open_path(path: Path, target: str, wanted: Wanted) -> DataRecord:
    paths = _split_paths(path, wanted.splits or {})
    readers: dict[str, Reader] = {}
    classes: tuple[str, ...] | None = None
    for role, pieces in paths.items():
        reader = reader_of(pieces[0], wanted.label, wanted.regression, classes, pieces)
        if isinstance(reader, ImageFolderReader):
            classes = reader.classes
        first = next(iter(readers.values()), None)
        if isinstance(reader, TableReader) and isinstance(first, TableReader):
            reader.follow(first)
        readers[role] = reader
    return _record(target, readers, wanted)


def _split_paths(path: Path, named: Mapping[str, str]) -> dict[str, list[Path]]:
    if not named:
        return splits_at(path) or {"train": [path]}
    found: dict[str, list[Path]] = {}
    for name, text in sorted(named.items(), key=lambda item: role_of(item[0])):  # train before validation
        candidates = [path / text, Path(text), path.parent / text]
        item = next((candidate for candidate in candidates if candidate.exists()), None)
        if item is None:
            raise SourceError(f"--split {name}={text}: no such file or folder in {path}")
        found[name if role_of(name) in found else role_of(name)] = [item]
    found.setdefault("train", [path])
    return found


# -- objects ------------------------------------------------------------------------------------------------


def open_object(value: Any, place: Place | None, target: str, wanted: Wanted) -> DataRecord:
    """A Dataset, DataLoader, array, pair of arrays, or a mapping of splits to any of these."""
    if isinstance(value, str | os.PathLike):
        return open_text(os.fspath(value), wanted)
    parts = _parts(value, wanted)
    readers, loaders = {}, []
    batches: tuple[Tensor, ...] = ()
    for role, item in parts.items():
        name = role if len(parts) > 1 else target
        if is_loader(item):
            record, inputs = recorded_loader(item, name, wanted.label, LOADER_SECONDS)
            batches = tuple(inputs) if role == "train" else batches
            record.role, record.place = ("train" if role == "train" else "validation"), place
            loaders.append(record)
        readers[role] = _object_reader(item, name, wanted, place)
    record_ = _record(target, readers, wanted)
    record_.loaders, record_.place, record_.batches = loaders, place, batches
    return record_


def _parts(value: Any, wanted: Wanted) -> dict[str, Any]:
    if isinstance(value, Mapping) or (hasattr(value, "keys") and hasattr(value, "__getitem__")):
        keys = {str(key): key for key in value.keys()}
        if wanted.splits:
            found: dict[str, Any] = {}
            for name, text in wanted.splits.items():
                if text not in keys:
                    raise SourceError(f'--split {name}={text}: no split "{text}"{nearest(text, list(keys))}')
                found[role_of(name)] = value[keys[text]]
            return found
        for_role = {
            role: value[keys[word]]
            for role, words in SPLIT_WORDS.items()
            if (word := next((word for word in words if word in keys), None)) is not None
        }
        return for_role if "train" in for_role else {"train": value}
    if wanted.splits:
        raise SourceError("--split: the target is no mapping of splits")
    return {"train": value}


def _object_reader(value: Any, name: str, wanted: Wanted, place: Place | None) -> Reader:
    if is_loader(value):
        dataset = value.dataset
        if isinstance(dataset, IterableDataset) or not is_map_style(dataset):
            return StreamReader(value, name, wanted.label, place)
        return _object_reader(dataset, name, wanted, place)
    if isinstance(value, TensorDataset) and len(value.tensors) in (1, 2):
        return _array_reader(value.tensors[0], value.tensors[1] if len(value.tensors) == 2 else None, name)
    if isinstance(value, Mapping):
        return _array_reader(*pair_of(dict(value), wanted.label, name), name)
    if isinstance(value, tuple) and len(value) == 2 and all(hasattr(item, "__len__") for item in value):
        return _array_reader(*value, name)
    if isinstance(value, Tensor | np.ndarray) or hasattr(value, "to_numpy"):
        if wanted.label is not None and hasattr(value, "columns"):
            if wanted.label not in value.columns:
                raise SourceError(f'no column "{wanted.label}"{nearest(wanted.label, list(map(str, value.columns)))}')
            return _array_reader(value.drop(columns=[wanted.label]), value[wanted.label], name)
        return _array_reader(value, None, name)
    if is_map_style(value):
        return DatasetReader(value, name, wanted.label, place)
    if hasattr(value, "__iter__"):
        return StreamReader(value, name, wanted.label, place)
    raise SourceError(f"{name} is of type {type(value).__name__}: neither a Dataset, a DataLoader nor arrays")


def _array_reader(inputs: Any, target: Any, name: str) -> ArrayReader:
    labels = None if target is None else label_codes(as_array_or_text(target))[0]
    return ArrayReader(as_array(inputs), labels, name)


def as_array_or_text(value: Any) -> Any:
    found = np.asarray(value) if not isinstance(value, Tensor) else as_array(value)
    return found.astype(str) if found.dtype.kind == "O" else found


# -- the pass -----------------------------------------------------------------------------------------------


@contextmanager
def _cluster(wanted: Wanted, readers: Mapping[str, Reader]) -> Iterator[Cluster | None]:
    """The cluster that reads, or None for this machine."""
    if wanted.ray is None:
        yield None
        return
    from paramedic.integrations.cluster import Cluster, ClusterError, check

    try:
        check(wanted.ray)
        with Cluster(wanted.ray) as connected:
            for module in {type(getattr(reader, "dataset", None)).__module__ for reader in readers.values()}:
                connected.send_module(module)
            yield connected
    except ClusterError as error:
        raise SourceError(str(error)) from error


def _record(target: str, readers: Mapping[str, Reader], wanted: Wanted) -> DataRecord:
    with _cluster(wanted, readers) as cluster:
        return _read_all(target, readers, wanted, cluster)


def _read_all(
    target: str, readers: Mapping[str, Reader], wanted: Wanted, cluster: Cluster | None
) -> DataRecord:
    splits: dict[str, Split] = {}
    problems: list[Problem] = []
    left_out: Counter[str] = Counter()
    for role, reader in readers.items():
        collected = collect(reader, wanted.workers, partial(wanted.progress, role), cluster)
        problems += collected.problems
        left_out.update(collected.left_out)
        if isinstance(reader, TableReader) and reader.missing_label is not None:
            names = reader.layout.names
            more = f" and {len(names) - SHOWN_COLUMNS} more" if len(names) > SHOWN_COLUMNS else ""
            guess = nearest(reader.missing_label, names) or f" (there are {', '.join(names[:SHOWN_COLUMNS])}{more})"
            text = f'no column "{reader.missing_label}"{guess}'
            problems.append(Problem("label column", reader.name, text))
            left_out["label column"] += 1
        splits[role] = reader.finish(collected)
    _same_codes(splits, readers)
    main = {role: split for role, split in splits.items() if role in ("train", "validation")}
    others = tuple(split for role, split in splits.items() if role not in main)
    return DataRecord(target, cast(dict[Role, Split], main), others, problems, left_out)


def _same_codes(splits: Mapping[str, Split], readers: Mapping[str, Reader]) -> None:
    """Classes of tables are numbered split by split: one numbering for all, by their names."""
    tables = [role for role, reader in readers.items() if isinstance(reader, TableReader) and splits[role].classes]
    every = sorted({name for role in tables for name in splits[role].classes})
    for role in tables:
        split = splits[role]
        assert split.target is not None
        place = np.array([every.index(name) for name in split.classes], np.int64)
        split.target = torch.from_numpy(place[split.target.numpy()])
        counts = split.summary.labels
        split.summary.labels = Counter({float(place[int(code)]): count for code, count in counts.items()})
        split.classes = tuple(every)
