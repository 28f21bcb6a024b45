"""Values of a batch of inputs: non-finite entries, constant rows, equal rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from paramedic.measurements.data.hashing import row_hashes


@dataclass(frozen=True)
class ValueFacts:
    """Facts about n rows of inputs.

    nonfinite: number of NaN and infinite entries; nonfinite_rows: rows with at least one.
    constant_rows: rows whose entries are all the same. equal_rows: all rows are the same.
    all_zero: every entry is zero.
    """

    rows: int
    width: int
    nonfinite: int
    nonfinite_rows: tuple[int, ...]
    constant_rows: tuple[int, ...]
    equal_rows: bool
    all_zero: bool


def value_facts(inputs: Tensor) -> ValueFacts:
    """Facts about ``inputs`` of shape (n, ...), of any dtype."""
    flat = inputs.detach().reshape(len(inputs), -1)
    bad = ~torch.isfinite(flat) if flat.is_floating_point() else torch.zeros_like(flat, dtype=torch.bool)
    bad_rows = bad.any(dim=1)
    same = (flat == flat[:, :1]).all(dim=1) if flat.shape[1] else torch.zeros(len(flat), dtype=torch.bool)
    return ValueFacts(
        rows=len(flat),
        width=flat.shape[1],
        nonfinite=int(bad.sum()),
        nonfinite_rows=tuple(bad_rows.nonzero().flatten().tolist()),
        constant_rows=tuple(same.nonzero().flatten().tolist()),
        equal_rows=len(flat) > 1 and len(np.unique(row_hashes(flat))) == 1,
        all_zero=bool((flat == 0).all()) if flat.numel() else False,
    )
