"""A data set without a training program: what ``paramedic data`` reads, and the checks examine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from paramedic.trace.place import Place
from paramedic.trace.setup import LoaderRecord

if TYPE_CHECKING:
    from paramedic.measurements.data.stream import Summary

Kind = Literal["images", "table", "arrays", "dataset", "loader"]
Role = Literal["train", "validation"]


@dataclass(frozen=True)
class Problem:
    """A file or row that was left out, and why. line: of a text file, 0 where there is none."""

    kind: Literal["file", "row", "label column", "empty class"]
    item: str
    text: str
    line: int = 0


@dataclass(eq=False)
class Split:
    """One split. The rows are all of it, or a uniform sample.

    inputs (m, ...), target (m, ...): in ascending order of ``index``, their positions in the source. total: rows of
    the source. keys: hashes of whole rows where the inputs are not all there is of one (text columns, pictures in
    their own size). columns: names of a table's columns in the order of ``inputs``; numbers: how many of these hold
    numbers (the others are indicators of categories). groups: for each column that looks like an identifier, the
    hash of every row's value. formats: (size, mode) of pictures. name_of: what people call the row at a position.
    place_of: where it stands. summary: statistics of all rows, also of those that were not kept.
    """

    name: str
    kind: Kind
    inputs: Tensor
    target: Tensor | None
    index: NDArray[np.int64]
    total: int
    summary: Summary
    name_of: Callable[[int], str]
    place_of: Callable[[int], Place | None]
    keys: NDArray[np.uint64] | None = None
    columns: tuple[str, ...] = ()
    numbers: int = 0
    classes: tuple[str, ...] = ()
    coded: bool = False
    groups: dict[str, NDArray[np.uint64]] = field(default_factory=dict)
    formats: Counter[tuple[str, str]] = field(default_factory=Counter)

    @property
    def complete(self) -> bool:
        """Whether no row was left out of the sample."""
        return len(self.inputs) == self.total


@dataclass(eq=False)
class DataRecord:
    """target: as the user named it. problems: the first of each kind; left_out: how many there are, by kind.

    loaders: those of the target, with two recorded passes each. batches: inputs of the first batches of the training
    loader, as they leave it.
    """

    target: str
    splits: dict[Role, Split]
    others: tuple[Split, ...] = ()
    problems: Sequence[Problem] = ()
    left_out: Counter[str] = field(default_factory=Counter)
    loaders: list[LoaderRecord] = field(default_factory=list)
    batches: tuple[Tensor, ...] = ()
    place: Place | None = None
    notes: tuple[str, ...] = ()

    def split(self, role: Role) -> Split | None:
        return self.splits.get(role)

    @property
    def train(self) -> Split:
        return self.splits["train"]

    def describe(self) -> dict[str, Any]:
        """Rows, kept rows, shape and features of every split, for the report."""
        every = {**{str(role): split for role, split in self.splits.items()}}
        every |= {split.name: split for split in self.others}
        return {name: _described(split) for name, split in every.items()}


MOST_CLASSES = 1000  # whose counts are in the report
MOST_DESCRIBED = 64  # features whose statistics are in the report


def _described(split: Split) -> dict[str, Any]:
    found: dict[str, Any] = {
        "rows": split.total,
        "examined": len(split.inputs),
        "shape": list(split.inputs.shape[1:]),
        "labelled": split.target is not None,
    }
    if split.target is not None and split.target.dim() == 1 and not split.target.is_floating_point():
        counts = sorted(split.summary.labels.items(), key=lambda item: (-item[1], item[0]))
        if len(counts) <= MOST_CLASSES:
            known = dict(enumerate(split.classes))
            found["labels"] = {known.get(int(value), f"{value:g}"): count for value, count in counts}
    moments = split.summary.moments
    if moments is not None and 0 < len(moments.mean) <= MOST_DESCRIBED:
        quartiles = split.summary.quantiles([0.25, 0.5, 0.75])
        names = split.columns or tuple(f"feature {k}" for k in range(len(moments.mean)))
        found["features"] = [
            {
                "name": names[k],
                "mean": float(moments.mean[k]),
                "sd": float(moments.sd[k]),
                "low": float(moments.low[k]),
                "high": float(moments.high[k]),
                **({} if quartiles is None else {"quartiles": quartiles[k].tolist()}),
            }
            for k in range(len(moments.mean))
        ]
    return found
