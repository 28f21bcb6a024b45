"""Whether pairs (input row, target row) are those of a table of pairs; exact, by hashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


@dataclass(frozen=True)
class Pairing:
    """matched: rows whose input stands in the table once; agreeing: those whose target is the table's too.

    chance: the number that would agree if the targets of the matched rows were permuted at random. foreign: targets
    that no row of the table has.
    """

    matched: int
    agreeing: int
    chance: float
    disagreeing: tuple[int, ...] = ()
    foreign: int = 0


def pairing(inputs: Hashes, targets: Hashes, table_inputs: Hashes, table_targets: Hashes) -> Pairing:
    """Look up every row by its input's hash. Inputs that stand in the table with two targets are left out."""
    expected = _unambiguous(table_inputs, table_targets)
    known = [number for number, key in enumerate(inputs.tolist()) if key in expected]
    wanted = np.array([expected[int(inputs[number])] for number in known], dtype=np.uint64)
    given = targets[known] if known else np.zeros(0, dtype=np.uint64)
    wrong = np.flatnonzero(wanted != given)
    foreign = int((~np.isin(given, table_targets)).sum())
    _, wanted_counts = np.unique(np.concatenate([wanted, given]), return_counts=True)
    chance = float(((wanted_counts / max(1, 2 * len(known))) ** 2).sum() * len(known))
    return Pairing(
        len(known), len(known) - len(wrong), chance, tuple(known[number] for number in wrong[:20]), foreign
    )


def _unambiguous(inputs: Hashes, targets: Hashes) -> dict[int, int]:
    expected: dict[int, int] = {}
    conflicts: set[int] = set()
    for key, value in zip(inputs.tolist(), targets.tolist(), strict=True):
        if expected.setdefault(key, value) != value:
            conflicts.add(key)
    return {key: value for key, value in expected.items() if key not in conflicts}


def positions(rows: Hashes, table: Hashes) -> np.ndarray[Any, Any]:
    """Position of each row in the table (the first, where it stands there several times), -1 where it is absent."""
    order = np.argsort(table, kind="stable")
    ordered = table[order]
    place = np.minimum(np.searchsorted(ordered, rows), max(0, len(table) - 1))
    if not len(table):
        return np.full(len(rows), -1)
    return np.where(ordered[place] == rows, order[place], -1)
