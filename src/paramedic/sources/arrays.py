"""Rows of arrays in memory or mapped from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from paramedic.sources.reader import Chunk, Collected, SourceError, chunk_rows, ranges, split_of
from paramedic.trace.dataset import Kind, Split
from paramedic.trace.place import Place

PART_CHUNKS = 16  # of one part: a worker is given this many at a time


class ArrayReader:
    """inputs (n, ...) and target (n, ...) or None; one row each."""

    kind: Kind = "arrays"

    def __init__(
        self, inputs: NDArray[Any], target: NDArray[Any] | None, name: str, path: Path | None = None
    ) -> None:
        if target is not None and len(target) != len(inputs):
            raise SourceError(f"{name}: {len(inputs)} rows of inputs but {len(target)} of targets")
        if inputs.ndim < 1 or not len(inputs):
            raise SourceError(f"{name} holds no rows")
        if inputs.dtype.kind not in "fiub":
            raise SourceError(f"{name} holds {inputs.dtype}, not numbers (nothing is unpickled)")
        self.inputs, self.target, self.name, self.path = inputs, target, name, path
        self.row_bytes = max(1, inputs.nbytes // len(inputs))

    def __getstate__(self) -> dict[str, Any]:
        """For another process or machine: an array that is mapped from a file travels as the file's name."""
        mapped = self.path is not None and isinstance(self.inputs, np.memmap)
        return self.__dict__ | ({"inputs": None} if mapped else {})

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def _mapped(self) -> NDArray[Any]:
        if self.inputs is None:
            assert self.path is not None
            try:
                self.inputs = np.load(self.path, mmap_mode="r", allow_pickle=False)
            except OSError as error:
                raise SourceError(f"cannot read {self.path} on a node of the cluster: {error.strerror or error}") from None
        return self.inputs

    def parts(self) -> list[Any]:
        return ranges(len(self.inputs), PART_CHUNKS * chunk_rows(self.row_bytes))

    def read(self, part: tuple[int, int]) -> Iterator[Chunk]:
        size = chunk_rows(self.row_bytes)
        inputs = self._mapped()
        for low in range(*part, size):
            high = min(part[1], low + size)
            target = None if self.target is None else np.array(self.target[low:high])
            yield Chunk(np.arange(low, high), np.array(inputs[low:high]), target)

    def name_of(self, position: int) -> str:
        return f"row {position}"

    def place_of(self, position: int) -> Place | None:
        return None if self.path is None else Place(str(self.path), 0)

    def finish(self, collected: Collected) -> Split:
        return split_of(self, collected)


def as_array(value: Any) -> NDArray[Any]:
    """A tensor, array, data frame or nested list of numbers as an array; SourceError for anything else."""
    if isinstance(value, Tensor):
        flat = value.detach().cpu()
        return np.asarray(flat.float().numpy() if flat.dtype == torch.bfloat16 else flat.numpy())
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    try:
        found = np.asarray(value)
    except ValueError as error:
        raise SourceError(f"rows of different shapes ({error})") from error
    if found.dtype.kind == "O":
        try:
            found = found.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise SourceError(f"a {type(value).__name__} that holds no numbers") from error
    return found


def label_codes(target: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Numbers for labels that are texts, with the texts; numbers stay what they are."""
    if target.dtype.kind in "US":
        names, codes = np.unique(target, return_inverse=True)
        return codes.astype(np.int64), tuple(map(str, names))
    return target, ()
