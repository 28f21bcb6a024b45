"""What observing costs: the observer's own processor time, as its report states it and its sampler keeps to it.

A look at the thread's clock takes 2 µs, and a step's other bookkeeping hardly more. So what happens at every step and
at every module's call is timed once in ONE_IN times, and that stands for the others. (The clock on the wall would be
cheaper, but on a busy machine it counts what other processes do.)
"""

from __future__ import annotations

import time
from collections.abc import Callable

ONE_IN = 13  # prime, so that it does not always meet the same layer of a network
CALIBRATION = 50  # calls


class Account:
    """Seconds in all (``spent``).

    per_call: what the wrapper around a function of torch costs, which is not timed with what it calls.
    """

    def __init__(self) -> None:
        self.spent = 0.0
        self.per_call = 0.0
        self._clock = 0.0
        self._count = 0
        self._started: float | None = None
        self._before = 0.0

    def begins(self) -> None:
        """A short call begins."""
        self._count += 1
        if self._count % ONE_IN == 0:
            self._before, self._started = self.spent, time.thread_time()

    def ends(self) -> None:
        """It has ended; what was timed inside of it is in the account already."""
        if self._started is not None:
            seconds = time.thread_time() - self._started - self._clock - (self.spent - self._before)
            self._started = None
            self.spent += ONE_IN * max(0.0, seconds)

    def calibrate(self, bare: Callable[[], object], wrapped: Callable[[], object]) -> None:
        """Measure here and now how much longer a call takes through a wrapper, and how long a look at the clock takes."""
        self._clock = _fastest(time.thread_time)
        self.per_call = max(0.0, _fastest(wrapped) - _fastest(bare))


def _fastest(function: Callable[[], object]) -> float:
    """Seconds of one call; of a few series the fastest, which nothing else has disturbed."""
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(CALIBRATION):
            function()
        best = min(best, time.perf_counter() - started)
    return best / CALIBRATION
