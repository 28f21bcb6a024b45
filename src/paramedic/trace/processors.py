"""Which processors are there for this process, and how many of them had nothing to do."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of this process, where it runs in a container (Linux' "Control Group v2")
SHORTEST = 0.1  # seconds; the system counts in hundredths
NEARLY_IDLE = 0.3  # of a processor may others have: the examination itself does not always keep one busy


def processors() -> int:
    """Those that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        allowed, period = QUOTA.read_text(encoding="ascii").split()
        count = min(count, max(1, int(allowed) // int(period)))
    return count


class Idleness:
    """How many processors were idle since this was made or asked last, while this process used one."""

    def __init__(self) -> None:
        self._before = _idle_seconds()
        self._asked = time.perf_counter()

    def places(self) -> int:
        """For how many processes like this one there was a processor, itself included; 1 where nobody knows."""
        now, idle = time.perf_counter(), _idle_seconds()
        if now - self._asked < SHORTEST:
            time.sleep(SHORTEST)
            now, idle = time.perf_counter(), _idle_seconds()
        free = (idle - self._before) / (now - self._asked)
        self._before, self._asked = idle, now
        return max(1, min(processors(), 1 + int(free + NEARLY_IDLE)))


def _idle_seconds() -> float:
    """Of all processors together, since the machine's start; 0 where nobody says so."""
    with suppress(OSError, IndexError, ValueError):
        with open("/proc/stat", encoding="ascii") as file:
            fields = file.readline().split()
        return (int(fields[4]) + int(fields[5])) / float(os.sysconf("SC_CLK_TCK"))  # idle, and waiting for a disk
    return 0.0
