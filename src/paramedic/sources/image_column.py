"""Pictures in a column of Arrow or Parquet files, as Hugging Face datasets store them: {"bytes": ..., "path": ...}."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from paramedic.config import nearest
from paramedic.sources.image_folder import SNIFFED, common_format, decoded
from paramedic.sources.reader import Chunk, Collected, SourceError, split_of
from paramedic.sources.table import Batches, guessed_label
from paramedic.trace.dataset import Kind, Problem, Split
from paramedic.trace.place import Place

CHUNK_PICTURES = 256


def picture_column(schema: Any) -> str | None:
    """The first column of structures with a field "bytes"; None if there is none."""
    for field in schema:
        if any(field.type.field(k).name == "bytes" for k in range(field.type.num_fields)):
            return str(field.name)
    return None


class ImageColumnReader:
    """Rows are pictures: (3 or 1, h, w) values in [0, 1]; targets are whole numbers of another column."""

    kind: Kind = "images"

    def __init__(self, path: Path, batches: Batches, column: str, label: str | None) -> None:
        self.path, self.name, self.column, self._batches = path, path.name, column, batches
        names = [name for batch in islice(batches.every(), 1) for name in batch.schema.names]
        if label is not None and label not in names:
            raise SourceError(f'{path} has no column "{label}"{nearest(label, names)}')
        self.label = label or guessed_label(names)
        first = (cell for batch in batches.every() for cell in batch.column(column).to_pylist())
        pictures = [io.BytesIO(cell["bytes"]) for cell in islice(first, SNIFFED) if cell and cell["bytes"]]
        if not pictures:
            raise SourceError(f"{path}: the column {column} holds no pictures")
        self.size, self.mode = common_format(pictures)
        self.row_bytes = 4 * self.size[0] * self.size[1] * (3 if self.mode == "RGB" else 1)

    def parts(self) -> list[Any]:
        return list(self._batches.parts)

    def read(self, part: Any) -> Iterator[Chunk]:
        piece, first = part
        for batch in self._batches.open(piece):
            for low in range(0, batch.num_rows, CHUNK_PICTURES):
                rows = batch.slice(low, CHUNK_PICTURES)
                yield self._chunk(rows, first)
                first += rows.num_rows

    def _chunk(self, rows: Any, first: int) -> Chunk:
        labels = rows.column(self.label).to_pylist() if self.label else [0] * rows.num_rows
        kept: list[tuple[int, Any, int, int]] = []
        problems: list[Problem] = []
        formats: Counter[tuple[str, str]] = Counter()
        for number, (cell, label) in enumerate(zip(rows.column(self.column).to_pylist(), labels, strict=True), first):
            try:
                if not cell or not cell["bytes"]:
                    raise ValueError("the picture is missing")
                if label is None:
                    raise ValueError("the label is missing")
                row, key, kind = decoded(io.BytesIO(cell["bytes"]), self.size, self.mode)
                kept.append((number, row, int(label), key))
                formats[kind] += 1
            except Exception as error:  # whatever a decoder raises at damaged bytes
                problems.append(Problem("row", f"{self.name}, row {number}", _reason(cell, error)))
        shape = (len(kept), 3 if self.mode == "RGB" else 1, self.size[1], self.size[0])
        return Chunk(
            np.array([item[0] for item in kept], np.int64),
            np.array([item[1] for item in kept], np.float32).reshape(shape),
            np.array([item[2] for item in kept], np.int64) if self.label else None,
            np.array([item[3] for item in kept], np.uint64),
            {},
            problems,
            formats,
        )

    def name_of(self, position: int) -> str:
        return f"row {position}"

    def place_of(self, position: int) -> Place | None:
        return Place(str(self.path), 0)

    def finish(self, collected: Collected) -> Split:
        return split_of(self, collected)


def _reason(cell: Any, error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):  # whose text names an object in memory
        return f"{len(cell['bytes'])} bytes that are no picture, or the beginning of one"
    return f"{type(error).__name__}: {str(error)[:120]}"
