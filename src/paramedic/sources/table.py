"""Tables: CSV files row by row, and columns that pyarrow reads (Parquet, Arrow)."""

from __future__ import annotations

import csv
import itertools
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.stream import Summary
from paramedic.sources.reader import CHUNK_ROWS, Chunk, Collected, SourceError, native, split_of
from paramedic.trace.dataset import Kind, Problem, Split
from paramedic.trace.place import Place

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "?", "-nan", "<na>"))
SNIFFED = 2000  # rows that decide on the kind of the columns
NUMBERS = 0.9  # of the filled cells, from which a column counts as numeric
MOST_CATEGORIES = 32  # of a text column, up to which it becomes indicators
MOST_CLASS_VALUES = 20  # different whole numbers of a label column, up to which they are classes
MOST_NAMES = 10_000  # texts of labels that are kept
ROWS_OF_CLASS = 10  # on average, from which more than that are classes too
MOST_STEPS = 512  # of a sequence; what is longer is cut
SEQUENCES = ("input_ids", "tokens", "ids", "sequence", "values", "text", "sentence")  # these before others
LABELS = ("label", "target", "class", "y", "labels", "targets")
IDENTIFIER = re.compile(
    r"(^|[_\s.-])(id|uuid|guid|patient|subject|speaker|user|customer|video|scene|session|group|site|person|author|"
    r"case|animal|participant|device|movie)s?([_\s.-]?(id|no|nr|number|name|code))?$|(?-i:[a-z]Id)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class SequenceColumn:
    """A column whose cells are the rows' inputs: lists of numbers, or ("text") the bytes of texts; width: of the longest of
    the first rows, to which others are cut or filled with zeros."""

    column: int
    width: int
    kind: Literal["whole numbers", "numbers", "text"]

    def values(self, cell: str) -> list[float]:
        found: list[float] = [*cell.encode("utf-8", "replace")] if self.kind == "text" else _listed(cell)
        if not found:
            raise ValueError("the sequence is empty or missing")
        return (found + [0] * self.width)[: self.width]


@dataclass(frozen=True)
class Layout:
    """names: of all columns; numeric, text: positions; label: position or None; label_numeric: it holds numbers;
    sequence: the column that is the input alone, where rows are sequences."""

    names: tuple[str, ...]
    numeric: tuple[int, ...]
    text: tuple[int, ...]
    label: int | None
    label_numeric: bool
    identifiers: tuple[int, ...]
    sequence: SequenceColumn | None = None


def _listed(cell: str) -> list[float]:
    """The numbers of a cell "[1, 2, 3]"; ValueError for any other."""
    found = json.loads(cell.replace("nan", "NaN")) if cell.startswith("[") else None
    if not isinstance(found, list) or not all(isinstance(item, int | float) for item in found):
        raise ValueError(f"{cell[:40]!r} is no list of numbers")
    return found


def _sequence_of(
    names: Sequence[str], rows: Sequence[Sequence[str]], numeric: list[int], text: list[int], others: list[int]
) -> SequenceColumn | None:
    """The column of lists of numbers, or the one of texts that are hardly ever the same in a table of no other values."""
    order = [name for name in SEQUENCES if name in names] + list(names)
    for column in sorted([*text, *others], key=lambda column: order.index(names[column])):
        cells = [cell for row in rows if (cell := row[column].strip())]
        try:
            lists = [_listed(cell) for cell in cells]
        except ValueError:  # of json's too
            continue
        width = min(MOST_STEPS, max(map(len, lists), default=0))
        if width > 1 and len(set(cells)) > MOST_CATEGORIES:
            whole = all(isinstance(item, int) for values in lists for item in values)
            return SequenceColumn(column, width, "whole numbers" if whole else "numbers")
    distinct = {column: len({row[column] for row in rows}) for column in text}
    if not numeric and text and all(count == 1 or count > MOST_CATEGORIES for count in distinct.values()):
        column = max(text, key=lambda column: sum(len(row[column]) for row in rows))
        longest = max(len(row[column].encode("utf-8", "replace")) for row in rows)
        return SequenceColumn(column, min(MOST_STEPS, longest), "text") if distinct[column] > MOST_CATEGORIES else None
    return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def layout_of(names: Sequence[str], rows: Sequence[Sequence[str]], label: str | None) -> Layout:
    """From the first rows. ``label`` is the name of a column that is there, or None."""
    at = names.index(label) if label is not None else None
    numeric, text, identifiers = [], [], []
    for column, name in enumerate(names):
        cells = [row[column].strip() for row in rows if row[column].strip().lower() not in MISSING]
        is_numeric = bool(cells) and sum(map(_is_number, cells)) >= NUMBERS * len(cells)
        if column == at:
            label_numeric = is_numeric
            continue
        if IDENTIFIER.search(name.strip()):
            identifiers.append(column)
        elif is_numeric:
            numeric.append(column)
        else:
            text.append(column)
    sequence = _sequence_of(names, rows, numeric, text, identifiers)
    if sequence is not None:
        numeric, text = [], [sequence.column]
        identifiers = [column for column in identifiers if column != sequence.column]
    labelled = at is not None and label_numeric
    return Layout(tuple(names), tuple(numeric), tuple(text), at, labelled, tuple(identifiers), sequence)


def guessed_label(names: Sequence[str]) -> str | None:
    """The only column with a name that labels have; None if there is none, or several."""
    found = [name for name in names if name.strip().lower() in LABELS]
    return found[0] if len(found) == 1 else None


def column_at(text: str, names: Sequence[str]) -> str | None:
    """The name of the column with this number, from 0 or, negative, from the end; None if the text is none."""
    try:
        return names[int(text)]
    except (ValueError, IndexError):
        return None


class TableReader:
    """Shared by the tables: cells as text in, numbers and hashes out."""

    def __init__(self, path: Path, label: str | None, regression: bool | None) -> None:
        self.path, self.name, self.regression = path, path.name, regression
        self.layout: Layout
        self.row_bytes = 0
        self.missing_label: str | None = None
        names, rows = self.sniff()
        if label is not None and label not in names:
            label, self.missing_label = column_at(label, names), label
            self.missing_label = None if label else self.missing_label
        elif label is None:
            label = guessed_label(names)
        self.layout = layout_of(names, rows, label)
        self.kind: Kind = "arrays" if self.layout.sequence else "table"
        if not self.layout.numeric and not self.layout.text:
            raise SourceError(f"{path}: no column of numbers or texts besides the label")
        self.row_bytes = 8 * len(names)
        self.categories: dict[str, NDArray[np.uint64]] = {}

    def follow(self, first: TableReader) -> None:
        """Read this table as the one of the training split: the same kinds of columns and the same categories."""
        absent = [name for name in first.layout.names if name not in self.layout.names]
        if absent:
            raise SourceError(f"{self.path} lacks columns of {first.path.name}: {', '.join(absent[:5])}")

        def here(columns: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(self.layout.names.index(first.layout.names[column]) for column in columns)

        theirs = first.layout
        label = None if theirs.label is None else self.layout.names.index(theirs.names[theirs.label])
        self.layout = Layout(
            self.layout.names,
            here(theirs.numeric),
            here(theirs.text),
            label,
            theirs.label_numeric,
            here(theirs.identifiers),
            theirs.sequence and replace(theirs.sequence, column=here((theirs.sequence.column,))[0]),
        )
        self.kind = first.kind
        self.categories, self.regression = first.categories, first.regression

    def sniff(self) -> tuple[list[str], list[list[str]]]:
        """Names of the columns, and the first rows of right length."""
        raise NotImplementedError

    def parts(self) -> list[Any]:
        return [None]

    def read(self, part: Any) -> Iterator[Chunk]:
        raise NotImplementedError

    def name_of(self, position: int) -> str:
        return f"row {position}"

    def place_of(self, position: int) -> Place | None:
        return Place(str(self.path), 0)

    def chunk(self, rows: list[tuple[int, list[str]]], problems: list[Problem]) -> Chunk:
        """Rows (position, cells) of right length as arrays; a cell that is no number costs its row."""
        layout, kept, numbers, labels, texts, groups = self.layout, [], [], [], [], []
        names: dict[float, str] = {}
        for position, cells in rows:
            try:
                values = (
                    layout.sequence.values(cells[layout.sequence.column].strip())
                    if layout.sequence
                    else [self._number(cells[column], column) for column in layout.numeric]
                )
                label = self._label(cells, names)
            except ValueError as error:
                problems.append(self.problem(position, str(error)))
                continue
            kept.append(position)
            numbers.append(values)
            labels.append(label)
            texts.append([_hash(cells[column].strip()) for column in layout.text])
            groups.append([_hash(cells[column].strip()) for column in layout.identifiers])
        n = len(kept)
        whole = layout.sequence is not None and layout.sequence.kind != "numbers"
        width = layout.sequence.width if layout.sequence else len(layout.numeric)
        inputs = np.array(numbers, np.int64 if whole else np.float64).reshape(n, width)
        text = np.array(texts, np.uint64).reshape(n, len(layout.text))
        keys = row_hashes(inputs) * np.uint64(3) + (row_hashes(text.view(np.int64)) if layout.text else np.uint64(0))
        columns = {"text": text, "groups": np.array(groups, np.uint64).reshape(n, len(layout.identifiers))}
        target = np.array(labels, np.float64) if layout.label is not None else None
        return Chunk(np.array(kept, np.int64), inputs, target, keys, columns, problems, names=names)

    def _number(self, cell: str, column: int) -> float:
        cell = cell.strip()
        if cell.lower() in MISSING:
            return float("nan")
        try:
            return float(cell)
        except ValueError:
            name = self.layout.names[column]
            raise ValueError(f'column "{name}" holds {cell[:40]!r} where the others hold numbers') from None

    def _label(self, cells: list[str], names: dict[float, str]) -> float:
        at = self.layout.label
        if at is None:
            return 0.0
        cell = cells[at].strip()
        if cell.lower() in MISSING:
            raise ValueError(f'the label ("{self.layout.names[at]}") is missing')
        if self.layout.label_numeric:
            return self._number(cell, at)
        code = float(_hash(cell) >> 12)  # 52 bits: a float64 holds them exactly
        if len(names) < MOST_NAMES:
            names[code] = cell
        return code

    def problem(self, position: int, text: str) -> Problem:
        return Problem("row", f"{self.name}, {self.name_of(position)}", text, 0)

    def finish(self, collected: Collected) -> Split:
        rows = collected.sample.rows()
        if not rows:
            return split_of(self, collected)  # raises
        layout = self.layout
        names = [layout.names[column] for column in layout.numeric]
        if layout.sequence is not None:
            return self._split(collected, rows, rows["inputs"], names)
        parts = [rows["inputs"]]
        for number, column in enumerate(layout.text):
            cells = rows["text"][:, number]
            values = self.categories.setdefault(layout.names[column], np.unique(cells))
            if 2 <= len(values) <= MOST_CATEGORIES:
                parts.append((cells[:, None] == values[None, :]).astype(np.float64))
                names += [f"{layout.names[column]} ({k})" for k in range(len(values))]
        inputs = np.concatenate(parts, axis=1)
        if not inputs.shape[1]:
            inputs = (rows["text"] >> np.uint64(12)).astype(np.float64)
            names = [layout.names[column] for column in layout.text]
        return self._split(collected, rows, inputs, names)

    def _split(self, collected: Collected, rows: dict[str, NDArray[Any]], inputs: NDArray[Any], names: list[str]) -> Split:
        layout = self.layout
        target, classes, coded = self._target(rows.get("target"), collected.summary, collected.names)
        groups = {layout.names[column]: rows["groups"][:, k] for k, column in enumerate(layout.identifiers)}
        return split_of(
            self,
            collected,
            torch.from_numpy(native(inputs)),
            target,
            columns=tuple(names),
            numbers=len(layout.numeric),
            classes=classes,
            coded=coded,
            groups=groups,
        )

    def _target(
        self, values: NDArray[Any] | None, summary: Summary, names: dict[float, str]
    ) -> tuple[torch.Tensor | None, tuple[str, ...], bool]:
        """Labels as class numbers or as values; the names of classes; whether the file had numbers for them."""
        if values is None:
            return None, (), False
        if not self.layout.label_numeric:
            codes = sorted({*values.tolist(), *summary.labels}, key=lambda code: names.get(code, "?"))
            place = {code: number for number, code in enumerate(codes)}
            found = np.array([place[code] for code in values.tolist()], np.int64)
            summary.labels = Counter({float(place[code]): count for code, count in summary.labels.items()})
            return torch.from_numpy(found), tuple(names.get(code, "?") for code in codes), False
        if is_classes(values) if self.regression is None else not self.regression:
            return torch.from_numpy(values.astype(np.int64)), (), True
        return torch.from_numpy(values), (), True


def is_classes(values: NDArray[Any]) -> bool:
    """Whether numbers look like class numbers: whole, and few for the number of rows."""
    if values.dtype.kind in "iub":
        whole = True
    else:
        finite = values[np.isfinite(values)]
        whole = len(finite) == len(values) and bool((finite == np.round(finite)).all())
    if not whole or not len(values):
        return False
    different = len(np.unique(values))
    few = different <= MOST_CLASS_VALUES or len(values) >= ROWS_OF_CLASS * different
    return few and different <= max(2, len(values) // 2)


def _hash(text: str) -> int:
    """64 bits of a text, the same in every process."""
    import hashlib

    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "little")


class CsvReader(TableReader):
    """A CSV or TSV file. Positions are row numbers from 0; names are line numbers, as an editor shows them."""

    def __init__(self, path: Path, label: str | None = None, regression: bool | None = None) -> None:
        self._lines: dict[int, int] = {}
        super().__init__(path, label, regression)

    def sniff(self) -> tuple[list[str], list[list[str]]]:
        try:
            with self.path.open(encoding="utf-8", errors="replace", newline="") as file:
                head = file.read(1 << 16)
        except OSError as error:
            raise SourceError(f"cannot read {self.path}: {error.strerror}") from error
        if not head.strip():
            raise SourceError(f"{self.path} is empty")
        if "\x00" in head:
            raise SourceError(f"{self.path} is no text file")
        self.delimiter = max(",;\t|", key=head.split("\n", 1)[0].count)
        first = [cell.strip().lstrip("\ufeff") for cell in next(csv.reader([head.split("\n", 1)[0]], delimiter=self.delimiter))]
        self.header = not all(_is_number(cell) or cell.lower() in MISSING for cell in first)
        names = first if self.header else [f"column {number}" for number in range(len(first))]
        if len(set(names)) < len(names):
            names = [f"{name} ({k})" if names.count(name) > 1 else name for k, name in enumerate(names)]
        self.width = len(names)
        rows = [cells for _, _, cells in itertools.islice(self._cells(), SNIFFED) if len(cells) == self.width]
        if not rows:
            raise SourceError(f"{self.path} has no row of {self.width} cells below its first line")
        return names, rows

    def _cells(self) -> Iterator[tuple[int, int, list[str]]]:
        """(position, line, cells) of every row; blank lines are none."""
        with self.path.open(encoding="utf-8", errors="replace", newline="") as file:
            rows = csv.reader((line.replace("\x00", "\ufffd") for line in file), delimiter=self.delimiter)
            position = -1
            skip = self.header
            while True:
                try:
                    cells = next(rows)
                except StopIteration:
                    return
                except csv.Error as error:
                    cells = [f"({error})"]
                if not cells:
                    continue
                if skip:
                    skip = False
                    continue
                position += 1
                yield position, rows.line_num, cells

    def read(self, part: Any) -> Iterator[Chunk]:
        rows: list[tuple[int, list[str]]] = []
        problems: list[Problem] = []
        offset = 1 + self.header
        for position, line, cells in self._cells():
            if line != position + offset:  # quoted line breaks and blank lines: remember where the numbering jumps
                offset = line - position
                self._lines[position] = offset
            if len(cells) != self.width:
                text = f"{len(cells)} cells where the header has {self.width}"
                problems.append(Problem("row", f"{self.name}, line {line}", text, line))
                continue
            rows.append((position, cells))
            if len(rows) >= CHUNK_ROWS:
                yield self.chunk(rows, problems)
                rows, problems = [], []
        yield self.chunk(rows, problems)

    def _line(self, position: int) -> int:
        jumps = [at for at in self._lines if at <= position]
        return position + (self._lines[max(jumps)] if jumps else 1 + self.header)

    def name_of(self, position: int) -> str:
        return f"line {self._line(position)}"

    def place_of(self, position: int) -> Place | None:
        return Place(str(self.path), self._line(position))

    def problem(self, position: int, text: str) -> Problem:
        line = self._line(position)
        return Problem("row", f"{self.name}, line {line}", text, line)


@dataclass(frozen=True)
class Batches:
    """Record batches that pyarrow reads. parts: with the position of each part's first row; open: one part's batches."""

    parts: tuple[tuple[Any, int], ...]
    open: Callable[[Any], Iterator[Any]]

    def every(self) -> Iterator[Any]:
        return (batch for part, _ in self.parts for batch in self.open(part))


class ColumnsReader(TableReader):
    """A table in record batches."""

    def __init__(
        self, path: Path, batches: Batches, label: str | None = None, regression: bool | None = None
    ) -> None:
        self._batches = batches
        super().__init__(path, label, regression)

    def parts(self) -> list[Any]:
        return list(self._batches.parts)

    def sniff(self) -> tuple[list[str], list[list[str]]]:
        first = next(self._batches.every(), None)
        if first is None:
            raise SourceError(f"{self.path} holds no rows")
        names = list(map(str, first.schema.names))
        return names, _texts(first.slice(0, SNIFFED))

    def read(self, part: Any) -> Iterator[Chunk]:
        piece, position = part
        for batch in self._batches.open(piece):
            for low in range(0, batch.num_rows, CHUNK_ROWS):
                rows = _texts(batch.slice(low, CHUNK_ROWS))
                yield self.chunk([(position + k, cells) for k, cells in enumerate(rows)], [])
                position += len(rows)


def _texts(batch: Any) -> list[list[str]]:
    columns = [["" if cell is None else str(cell) for cell in column.to_pylist()] for column in batch.columns]
    return [list(row) for row in zip(*columns, strict=True)]
