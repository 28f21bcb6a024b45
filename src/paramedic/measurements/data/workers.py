"""Whether the workers of a DataLoader draw from one random stream; by reading one row through all of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader

from paramedic.measurements.data.dataset import by_path
from paramedic.measurements.data.hashing import row_hashes
from paramedic.trace.random_state import random_states_kept

DRAWS_PER_WORKER = 24  # a coin that is flipped alike 24 times by chance: 6e-8
TIMEOUT = 10.0  # seconds to wait for a worker


@dataclass(frozen=True)
class WorkerDraws:
    """alike: share of the workers whose draws are those of the first, one by one; repeated: share of the draws of a
    second epoch that are those of the first one; chance: the probability of one such coincidence of all draws.
    """

    draws: int
    workers: int
    alike: float
    repeated: float
    chance: float


def is_random(dataset: Any, index: int = 0, draws: int = 4) -> bool:
    """Whether reading one row again gives another row."""
    with random_states_kept():
        keys = {_key(dataset[index]) for _ in range(draws)}
    return len(keys) > 1


def _key(row: Any) -> tuple[int, ...]:
    tensors = by_path(torch.utils.data.default_collate([row]))
    return tuple(int(value) for tensor in tensors.values() for value in row_hashes(tensor))


def worker_draws(loader: Any, index: int = 0) -> WorkerDraws:
    """Read one index through the loader's workers, twice. Starts processes; the caller bounds how often."""
    workers = loader.num_workers
    draws = DRAWS_PER_WORKER * workers
    with random_states_kept():
        first, second = _epoch(loader, index, draws), _epoch(loader, index, draws)
    by_worker = [first[number::workers] for number in range(workers)]
    alike = float(np.mean([other == by_worker[0] for other in by_worker[1:]]))
    repeated = float(np.mean([one == other for one, other in zip(first, second, strict=True)]))
    counts = np.array(list(Counter(first + second).values()))
    return WorkerDraws(
        draws, workers, alike, repeated, float(((counts / counts.sum()) ** 2).sum() ** DRAWS_PER_WORKER)
    )


def _epoch(loader: Any, index: int, draws: int) -> list[tuple[int, ...]]:
    again: DataLoader[Any] = DataLoader(
        loader.dataset,
        batch_size=1,
        sampler=[index] * draws,
        num_workers=loader.num_workers,
        worker_init_fn=loader.worker_init_fn,
        multiprocessing_context=loader.multiprocessing_context,
        timeout=TIMEOUT,
    )
    return [
        tuple(int(value) for tensor in by_path(batch).values() for value in row_hashes(tensor))
        for batch in again
    ]
