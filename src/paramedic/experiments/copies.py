"""Copies of this process that compute ahead on idle processors.

A copy (fork) has everything that this process has: nothing has to be sent, and a replay in it is the replay that this
process would make. What a copy gives back goes through a pipe. It ends with the process that made it, however that
ends; a copy that dies, or that stands still, costs what it has not given back: this process computes that itself.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

from paramedic.trace.copying import keep_off
from paramedic.trace.process import end_with, processor_ticks

STANDSTILL = 10.0  # seconds without any processor time: a lock that a thread held, which was not copied
_NUMBER, _SIZE = struct.Struct("<H"), struct.Struct("<Q")
MOST_ITEMS = 10_000  # their numbers have to fit into a pipe: 64 kB


class Copy:
    """One copy, as its maker sees it."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.pid, self.pipe, self.ended = pid, pipe, False
        self.received = b""
        self.ticks, self.moved = -1, time.monotonic()

    def results(self) -> Iterator[tuple[int, Any]]:
        """What it has written since it was asked last. EOFError where it has ended."""
        data = os.read(self.pipe, 1 << 20)
        if not data:
            raise EOFError
        self.received += data
        while len(self.received) >= _SIZE.size:
            (size,) = _SIZE.unpack_from(self.received)
            if len(self.received) < _SIZE.size + size:
                return
            yield pickle.loads(self.received[_SIZE.size : _SIZE.size + size])
            self.received = self.received[_SIZE.size + size :]

    def stands_still(self) -> bool:
        ticks, now = processor_ticks(self.pid), time.monotonic()
        if ticks != self.ticks:
            self.ticks, self.moved = ticks, now
        return now - self.moved > STANDSTILL

    def end(self) -> None:
        os.close(self.pipe)
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


def computed_ahead(function: Callable[[int], Any], count: int, copies: int) -> Iterator[Any]:
    """``function`` of 0, 1, ..., in order, computed in so many copies of this process; None for what they did not give.

    All copies are ended when the caller asks no more.
    """
    numbers, end = os.pipe()
    running: list[Copy] = []
    try:
        os.write(end, b"".join(map(_NUMBER.pack, range(min(count, MOST_ITEMS)))))
        os.close(end)
        for _ in range(copies):
            running.append(_copy(function, numbers))
        yield from _in_order(running, count)
    finally:
        os.close(numbers)
        for copy in running:
            copy.end()


def _in_order(running: list[Copy], count: int) -> Iterator[Any]:
    found: dict[int, Any] = {}
    for number in range(count):
        while number not in found and running:
            for copy in _with_news(running):
                try:
                    found.update(copy.results())
                except EOFError:
                    copy.ended = True
            for copy in [copy for copy in running if copy.ended or copy.stands_still()]:
                running.remove(copy)
                copy.end()
        yield found.pop(number, None)


def _with_news(running: list[Copy]) -> list[Copy]:
    """Those that have written something, or ended; waits a second for that."""
    poll = select.poll()
    for copy in running:
        poll.register(copy.pipe, select.POLLIN)
    ready = {pipe for pipe, _ in poll.poll(1000)}
    return [copy for copy in running if copy.pipe in ready]


def _copy(function: Callable[[int], Any], numbers: int) -> Copy:
    here, there = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(there)
        return Copy(pid, here)
    try:
        end_with(parent, signal.SIGKILL)
        keep_off({signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL})  # Ctrl-C: our maker ends us
        os.close(here)
        while number := os.read(numbers, _NUMBER.size):
            (index,) = _NUMBER.unpack(number)
            data = pickle.dumps((index, function(index)))
            _write(there, _SIZE.pack(len(data)) + data)
    finally:
        os._exit(0)


def _write(pipe: int, data: bytes) -> None:
    while data:
        data = data[os.write(pipe, data) :]
