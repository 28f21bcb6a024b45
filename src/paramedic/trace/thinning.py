"""Of a long run fewer rows: a trace is hardly larger after a million steps than after some ten thousand.

Once a table has its limit, each share of its older rows that still stays is halved until half of the limit is left. Which
rows stay is told by their number alone, so that two runs keep the same steps; by the golden section, so that the rows that
stay are spread evenly, and no period of the program's (optimizers that take turns, steps of an epoch) meets theirs; and
each share is a part of the one before, so that nothing depends on when it was halved. Beside them stay, of the steps: the
first of the run and of its phases, the latest, where losses become not finite or finite again, single changes of the
learning rate and of the epoch, gradient norms, and the lowest and the highest loss of each stretch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paramedic.trace.limits import (
    ENDS_OF_KIND,
    FIRST_LAYER_STEPS,
    FIRST_OF_PHASE,
    FIRST_STEPS,
    GOLDEN,
    LAST_LAYER_STEPS,
    LAST_STEPS,
    MOST_CHANGES,
    MOST_NORMS,
    MOST_OF_KIND,
    RANGE,
    STRETCHES,
)

Numbers = NDArray[np.int64]
Chosen = NDArray[np.bool_]


def _staying(numbers: Numbers, stride: int) -> Chosen:
    return numbers.astype(np.uint64) * np.uint64(GOLDEN) % np.uint64(RANGE) < np.uint64(RANGE // stride)


def fewer_steps(connection: sqlite3.Connection, limit: int, begun: Iterable[int], stride: int = 1) -> tuple[int, int]:
    """Leave about half of ``limit`` rows; the stride of those that stay, and how many losses went that are not finite.

    begun: first steps of the latest phases. stride: that of the time before. No transaction is begun or ended here.
    """
    found = connection.execute("SELECT rowid, step, epoch, loss, lr, gradient_norm FROM steps ORDER BY step").fetchall()
    ids, steps, epochs, losses, rates, norms = (np.array(column) for column in zip(*found, strict=True))
    losses, rates = (column.astype(np.float64) for column in (losses, rates))
    kept = _worth_keeping(steps, epochs, losses, rates, norms, limit, begun)
    while stride < RANGE:
        chosen = kept | _staying(steps, stride)
        if chosen.sum() <= max(limit // 2, kept.sum()):
            break
        stride *= 2
    _delete(connection, "steps", "rowid", ids[~chosen])
    return stride, int((~chosen & ~np.isfinite(losses)).sum())


def _worth_keeping(
    steps: Numbers,
    epochs: Numbers,
    losses: NDArray[np.float64],
    rates: NDArray[np.float64],
    norms: NDArray[Any],
    limit: int,
    begun: Iterable[int],
) -> Chosen:
    """Rows that stay whatever their number."""
    kept: Chosen = steps < limit * FIRST_STEPS
    kept[-max(1, int(limit * LAST_STEPS)) :] = True
    for first in begun:
        kept |= (steps >= first) & (steps < first + limit * FIRST_OF_PHASE)
    finite = np.isfinite(losses)
    kept[_changes(finite)[: 2 * MOST_CHANGES]] = True
    for column in (np.nan_to_num(rates), epochs):
        changes = _changes(column)
        if len(changes) <= 2 * MOST_CHANGES:
            kept[changes] = True
    kept |= _few(steps, norms != None, int(limit * MOST_NORMS))  # noqa: E711
    for part in np.array_split(np.flatnonzero(finite & ~kept), max(1, int(limit * STRETCHES))):
        if len(part):
            kept[part[losses[part].argmin()]] = kept[part[losses[part].argmax()]] = True
    return kept


def _changes(values: NDArray[Any]) -> Numbers:
    """Positions before and at each change."""
    at = np.flatnonzero(values[1:] != values[:-1])
    return np.unique(np.concatenate([at, at + 1]))


def _few(numbers: Numbers, among: Chosen, most: int) -> Chosen:
    """Of some rows no more than ``most``."""
    stride = 1
    while among.sum() > most and stride < RANGE:
        stride *= 2
        among = among & _staying(numbers, stride)
    return among


def fewer_layers(connection: sqlite3.Connection, limit: int, stride: int = 1) -> int:
    """Leave whole steps, with about half of ``limit`` rows; the first ones, the last, and the first with values not finite.

    The stride of the others.
    """
    found = connection.execute("SELECT step, count(*), max(nonfinite) > 0 FROM layers GROUP BY step ORDER BY step").fetchall()
    steps, counts, bad = (np.array(column) for column in zip(*found, strict=True))
    kept: Chosen = steps < FIRST_LAYER_STEPS
    kept[-LAST_LAYER_STEPS:] = True
    kept[np.flatnonzero(bad == 1)[:1]] = True
    while stride < RANGE:
        chosen = kept | _staying(steps, stride)
        if counts[chosen].sum() <= limit // 2:
            break
        stride *= 2
    _delete(connection, "layers", "step", steps[~chosen])
    return stride


def fewer_events(connection: sqlite3.Connection) -> None:
    """Of each kind that there are many of; of the others all."""
    kinds = connection.execute("SELECT kind FROM events GROUP BY kind HAVING count(*) > ?", (MOST_OF_KIND,)).fetchall()
    for (kind,) in kinds:
        found = connection.execute("SELECT id FROM events WHERE kind = ? ORDER BY id", (kind,)).fetchall()
        ids = np.array([row[0] for row in found])
        kept = np.zeros(len(ids), dtype=bool)
        kept[:ENDS_OF_KIND] = kept[-ENDS_OF_KIND:] = True
        kept |= _few(ids, np.ones(len(ids), dtype=bool), MOST_OF_KIND - 2 * ENDS_OF_KIND)
        _delete(connection, "events", "id", ids[~kept])


def _delete(connection: sqlite3.Connection, table: str, column: str, values: Numbers) -> None:
    """In one pass over the table, for not every column has an index."""
    if len(values):
        connection.execute(f"DELETE FROM {table} WHERE {column} IN ({','.join(map(str, values.tolist()))})")


def at_every_step(steps: Sequence[int], values: Sequence[float]) -> NDArray[np.float64]:
    """From the first step of the run to the last: the value of the latest row that there is."""
    if not len(steps):
        return np.zeros(0)
    at = np.searchsorted(np.asarray(steps), np.arange(steps[-1] + 1), side="right") - 1
    return np.asarray(values, dtype=np.float64)[np.maximum(at, 0)]
