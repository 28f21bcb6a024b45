"""What a kind of source provides, and the one pass that makes a split of it."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.stream import Summary, UniformSample
from paramedic.trace.dataset import Kind, Problem, Split
from paramedic.trace.place import Place

if TYPE_CHECKING:
    from paramedic.integrations.cluster import Cluster

ROW_LIMIT = 20_000  # a fault in 0.023 % of the rows is among them with 99 %; the probes take a part of these
BYTE_LIMIT = 64 << 20
LEAST_KEPT = 459  # rows: a fault in 1 % of the rows is seen with 99 %
CHUNK_ROWS = 4096
MOST_PROBLEMS = 20  # kept of each kind; all are counted
CHUNK_BYTES = 8 << 20


class SourceError(ValueError):
    """The target cannot be audited; the text is one line for the user."""


@dataclass
class Chunk:
    """Rows at ``positions``: inputs (n, ...), target (n, ...) or None; keys: hashes of whole rows.

    columns: further arrays (n, ...) that are kept for the sampled rows. problems: rows that were left out.
    names: what numbers in ``target`` stand for, where labels are texts.
    """

    positions: NDArray[np.int64]
    inputs: NDArray[Any]
    target: NDArray[Any] | None = None
    keys: NDArray[np.uint64] | None = None
    columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    formats: Counter[tuple[str, str]] = field(default_factory=Counter)
    names: dict[float, str] = field(default_factory=dict)


class Reader(Protocol):
    """A source of rows in parts that can be read apart.

    finish: turns what was collected into the split (codes of labels, indicators of categories).
    """

    name: str
    kind: Kind
    row_bytes: int

    def parts(self) -> list[Any]: ...

    def read(self, part: Any) -> Iterator[Chunk]: ...

    def name_of(self, position: int) -> str: ...

    def place_of(self, position: int) -> Place | None: ...

    def finish(self, collected: Collected) -> Split: ...


@dataclass
class Collected:
    """The result of the pass over some parts."""

    summary: Summary
    sample: UniformSample
    problems: list[Problem] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    formats: Counter[tuple[str, str]] = field(default_factory=Counter)
    names: dict[float, str] = field(default_factory=dict)

    def _add_problems(self, problems: list[Problem], counts: Counter[str]) -> None:
        self.left_out.update(counts)
        for item in problems:
            if sum(known.kind == item.kind for known in self.problems) < MOST_PROBLEMS:
                self.problems.append(item)

    def add(self, chunk: Chunk) -> None:
        self._add_problems(chunk.problems, Counter(item.kind for item in chunk.problems))
        self.formats.update(chunk.formats)
        self.names.update(chunk.names)
        if not len(chunk.positions):
            return
        keys = row_hashes(chunk.inputs) if chunk.keys is None else chunk.keys
        self.summary.add(chunk.positions, chunk.inputs, chunk.target, keys)
        columns = {"inputs": chunk.inputs, **chunk.columns}
        if chunk.target is not None:
            columns["target"] = chunk.target
        if chunk.keys is not None:
            columns["keys"] = chunk.keys
        self.sample.add(chunk.positions, **columns)

    def merge(self, other: Collected) -> Collected:
        self.summary.merge(other.summary)
        self.sample.merge(other.sample)
        self._add_problems(other.problems, other.left_out)
        self.formats.update(other.formats)
        self.names.update(other.names)
        return self


def row_limit(row_bytes: int) -> int:
    return max(LEAST_KEPT, min(ROW_LIMIT, BYTE_LIMIT // max(1, row_bytes)))


def chunk_rows(row_bytes: int) -> int:
    return max(16, min(CHUNK_ROWS, CHUNK_BYTES // max(1, row_bytes)))


def collect(
    reader: Reader,
    workers: int = 0,
    progress: Callable[[int], None] = lambda rows: None,
    cluster: Cluster | None = None,
) -> Collected:
    """One pass over all parts, in ``workers`` processes besides this one, or on a cluster.

    Parts are merged in their order, whoever read them, so that the result does not depend on who did.
    """
    limit = row_limit(reader.row_bytes)
    total = Collected(Summary(), UniformSample(limit))
    parts = reader.parts()
    if len(parts) < 2:
        for part in parts:
            for chunk in reader.read(part):
                total.add(chunk)
                progress(total.summary.rows)
        return total
    for found in _collected(reader, limit, parts, workers, cluster):
        total.merge(found)
        progress(total.summary.rows)
    return total


def _collected(
    reader: Reader, limit: int, parts: list[Any], workers: int, cluster: Cluster | None
) -> Iterator[Collected]:
    if cluster is not None:
        yield from cluster.map(_read_there, cluster.share((reader, limit, os.getcwd())), parts)
    elif workers < 2:
        yield from (_read(reader, limit, part) for part in parts)
    else:
        context = multiprocessing.get_context("fork" if "fork" in multiprocessing.get_all_start_methods() else None)
        with ProcessPoolExecutor(workers, context, initializer=_start, initargs=(reader, limit)) as pool:
            yield from pool.map(_read_part, parts)


_worker: list[tuple[Reader, int]] = []


def _start(reader: Reader, limit: int) -> None:
    torch.set_num_threads(1)
    _worker[:] = [(reader, limit)]


def _read_part(part: Any) -> Collected:
    return _read(*_worker[0], part)


def _read_there(shared: tuple[Reader, int, str], part: Any) -> Collected:
    """On another machine, which sees the files under the same names."""
    reader, limit, folder = shared
    torch.set_num_threads(1)
    try:
        os.chdir(folder)
    except OSError as error:
        raise SourceError(f"a node of the cluster does not see {folder} ({error.strerror})") from None
    return _read(reader, limit, part)


def _read(reader: Reader, limit: int, part: Any) -> Collected:
    found = Collected(Summary(), UniformSample(limit))
    for chunk in reader.read(part):
        found.add(chunk)
    return found


def ranges(rows: int, size: int) -> list[tuple[int, int]]:
    """(start, stop) of consecutive parts of at most ``size`` rows."""
    return [(low, min(rows, low + size)) for low in range(0, rows, size)]


def split_of(
    reader: Reader,
    collected: Collected,
    inputs: Tensor | None = None,
    target: Tensor | None = None,
    **details: Any,
) -> Split:
    """The split, with the collected rows as they are unless others are given; SourceError where there are none."""
    rows = collected.sample.rows()
    if not rows:
        raise SourceError(f"no row of {reader.name} could be read{_first_problem(collected)}")
    if target is None and "target" in rows:
        target = torch.from_numpy(native(rows["target"]))
    return Split(
        name=reader.name,
        kind=reader.kind,
        inputs=torch.from_numpy(native(rows["inputs"])) if inputs is None else inputs,
        target=target,
        index=rows["position"],
        total=collected.summary.rows,
        summary=collected.summary,
        name_of=reader.name_of,
        place_of=reader.place_of,
        keys=rows.get("keys"),
        formats=collected.formats,
        **details,
    )


def native(values: NDArray[Any]) -> NDArray[Any]:
    """In a dtype and byte order that torch has."""
    if values.dtype.kind == "u" and values.dtype.itemsize > 1:
        values = values.astype(np.int64)
    return np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False))


def _first_problem(collected: Collected) -> str:
    return f": {collected.problems[0].item}: {collected.problems[0].text}" if collected.problems else ""
