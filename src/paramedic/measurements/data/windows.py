"""Windows of one series in two sets: rows of the second that hold the same steps as rows of the first, moved in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paramedic.measurements.data.hashing import row_hashes

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]
LEAST_STEPS = 10
SHARED = 0.4  # of a window's steps; windows that overlap by half are common
RUN = 8  # most steps of the runs that are looked up
ANCHORS = (0.2, 0.6)  # where they begin in a window: one of them lies in any shared part
DISTINCT = 0.5  # of the shared steps: fewer are a period or a background, which are equal without being the same
COARSE = 1e-4  # of the standard deviation: values that differ by less are not counted as different
CHANCE = 1e-3  # expected pairs of windows that are equal in so many steps by chance
MOST_ROWS = 1000  # of the second set
MOST_STEPS = 4_000_000  # of the first


@dataclass(frozen=True)
class SharedWindows:
    """Of the ``rows`` of the second set that were compared: how many share steps with a later and with an earlier window of
    the first set (``between``), or with any (``any``).

    examples: (row of the second set, row of the first, steps by which it is moved, shared steps), the longest first.
    axis: of the steps in a row, from 1; steps: of a window.
    """

    rows: int
    between: int
    any: int
    examples: tuple[tuple[int, int, int, int], ...]
    axis: int
    steps: int


def shared_windows(first: NDArray[Any], second: NDArray[Any]) -> SharedWindows | None:
    """Of (n, T), (n, T, C) or (n, C, T) rows, steps along the axis with more shared windows; None where no axis is long
    enough, or equal steps say nothing (few different values).

    Exact: windows share a part if all its values are equal. Rows that are equal as a whole do not count.
    """
    found = [
        _along(np.moveaxis(first, axis, 1), np.moveaxis(second, axis, 1), axis)
        for axis in range(1, first.ndim)
        if first.ndim <= 3 and first.shape[axis] >= LEAST_STEPS
    ]
    known = [item for item in found if item is not None]
    return max(known, key=lambda item: item.between, default=None)


def _along(first: NDArray[Any], second: NDArray[Any], axis: int) -> SharedWindows | None:
    steps = first.shape[1]
    generator = np.random.default_rng(0)
    chosen = np.sort(generator.permutation(len(second))[:MOST_ROWS])
    kept = np.sort(generator.permutation(len(first))[: max(1, MOST_STEPS // steps)])
    mine, theirs = _step_hashes(first[kept]), _step_hashes(second[chosen])
    coarse = _step_hashes(np.round(second[chosen] / (COARSE * float(second.std()) + 1e-300)))
    least = int(np.ceil(SHARED * steps))
    if _chance(mine, least) * len(mine) * len(theirs) * 2 * steps > CHANCE:
        return None
    shifts = _shifts(mine, theirs, min(RUN, max(2, int(ANCHORS[0] * steps))))
    later, earlier = np.zeros(len(theirs), bool), np.zeros(len(theirs), bool)
    examples = []
    for row, other, shift in shifts:
        shared = steps - abs(shift)
        where = slice(max(0, shift), steps + min(0, shift))
        if shift == 0 or shared < least or later[row] and shift > 0 or earlier[row] and shift < 0:
            continue
        if (theirs[row, where] != mine[other, max(0, -shift) : steps - max(0, shift)]).any():
            continue
        if len(np.unique(coarse[row, where])) < DISTINCT * shared:
            continue
        (later if shift > 0 else earlier)[row] = True
        examples.append((int(chosen[row]), int(kept[other]), shift, shared))
    examples.sort(key=lambda item: (-item[3], item[0]))
    both, some = int((later & earlier).sum()), int((later | earlier).sum())
    return SharedWindows(len(theirs), both, some, tuple(examples[:8]), axis, steps)


def _step_hashes(windows: NDArray[Any]) -> Hashes:
    """(n, T) one hash for each step of (n, T, ...) windows."""
    return row_hashes(windows.reshape(windows.shape[0] * windows.shape[1], -1)).reshape(windows.shape[:2])


def _chance(steps: Hashes, length: int) -> float:
    """That two unrelated parts of so many steps are equal; half of the bits of the steps' collision entropy are kept, as a
    guard for what successive steps have in common."""
    _, counts = np.unique(steps, return_counts=True)
    share = float(((counts / steps.size) ** 2).sum()) - 1.0 / steps.size  # without a step's match with itself
    return float(max(share, 1e-300) ** (length / 2)) if share < 1 else 1.0


def _shifts(mine: Hashes, theirs: Hashes, run: int) -> list[tuple[int, int, int]]:
    """(row of theirs, row of mine, shift) for every run of steps at an anchor of theirs that stands in mine; positive where
    theirs begins earlier: theirs[shift:] is mine[:-shift]."""
    steps = mine.shape[1]
    weights = np.random.default_rng(1).integers(1, 2**63, run, dtype=np.uint64) | np.uint64(1)

    def runs(windows: Hashes, start: int, end: int) -> Hashes:
        with np.errstate(over="ignore"):
            return sum((windows[:, start + k : end + k] * weights[k] for k in range(run)), np.zeros(1, np.uint64))

    starts = [min(steps - run, int(anchor * steps)) for anchor in ANCHORS]
    wanted = np.concatenate([runs(theirs, start, start + 1)[:, 0] for start in starts])
    where = np.concatenate([np.full(len(theirs), start) for start in starts])
    row = np.tile(np.arange(len(theirs)), len(starts))
    order = np.argsort(wanted, kind="stable")
    wanted, where, row = wanted[order], where[order], row[order]
    found = []
    for number, keys in enumerate(runs(mine, 0, steps - run + 1)):
        low, high = np.searchsorted(wanted, keys, "left"), np.searchsorted(wanted, keys, "right")
        for position in np.flatnonzero(high > low):
            for match in range(low[position], min(high[position], low[position] + 4)):
                found.append((int(row[match]), number, int(where[match] - position)))
    return found
