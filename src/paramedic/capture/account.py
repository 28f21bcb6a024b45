"""What observing costs: the observer's own processor time, as its report states it and its sampler keeps to it.

A look at the thread's clock takes 2 µs, and a step's other bookkeeping hardly more. So what happens at every step and
at every module's call is timed once in ONE_IN times, and that stands for the others. (The clock on the wall would be
cheaper, but on a busy machine it counts what other processes do.)
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from contextlib import suppress

ASK_EVERY = 0.25  # seconds, how long the thread waited for a processor: to ask takes 20 µs
ONE_IN = 13  # prime, so that it does not always meet the same layer of a network
CALIBRATION = 50  # calls


class Elapsed:
    """Seconds since this was made, without those in which others had the processors: a share of the time on the clock would
    be several times as much of the program's own, where it gets only a part of a processor.
    """

    def __init__(self) -> None:
        self.started = time.perf_counter()
        self._before = _waited()
        self._asked = self.started
        self.waited = 0.0

    def __call__(self) -> float:
        now = time.perf_counter()
        if now - self._asked > ASK_EVERY:
            self._asked, self.waited = now, max(0.0, _waited() - self._before)
        return now - self.started - self.waited


def _waited() -> float:
    """Seconds that this thread could have run in, and others did; 0 where nobody says so."""
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/thread-self/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    return 0.0


class Account:
    """Seconds in all (``spent``).

    per_call: what the wrapper around a function of torch costs, which is not timed with what it calls.
    """

    def __init__(self) -> None:
        self.spent = 0.0
        self.per_call = 0.0
        self.turn = itertools.cycle([False] * (ONE_IN - 1) + [True]).__next__  # whether the next short call is timed
        self._clock = 0.0
        self._started: float | None = None
        self._before = 0.0

    def begins(self) -> None:
        """A short call begins."""
        if self.turn():
            self.starts()

    def starts(self) -> None:
        """A short call begins that is timed."""
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
