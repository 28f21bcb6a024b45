"""Which process writes a trace, and whether it is still there."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
from typing import Any

_SIGNAL_AT_PARENTS_END = 1  # PR_SET_PDEATHSIG of prctl(2)


def this_process() -> dict[str, Any]:
    """What finds this process again: a number alone is given to another one after its end."""
    return {"pid": os.getpid(), "host": platform.node(), "started": _started(os.getpid())}


def end_with(parent: int, number: int) -> None:
    """However the process that started this one ends, also by kill -9, this one gets the signal then. On Linux only."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_SIGNAL_AT_PARENTS_END, number)
    if os.getppid() != parent:  # it had ended before
        signal.raise_signal(number)


def is_running(process: Any) -> bool | None:
    """Whether a stored process is running still; None if that cannot be said (another machine, an older trace)."""
    if not isinstance(process, dict) or process.get("host") != platform.node():
        return None
    number = process.get("pid")
    if not isinstance(number, int) or number <= 0 or os.name != "posix":
        return None
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return None
    started = _started(number)
    return None if started is None else started == process.get("started") and not _is_dead(number)


def _stat(number: int) -> list[str]:
    """Fields of /proc/NUMBER/stat from the third on (the second may hold spaces); empty where there is none."""
    try:
        with open(f"/proc/{number}/stat", encoding="utf-8", errors="replace") as stream:
            return stream.read().rpartition(")")[2].split()
    except OSError:
        return []


def _started(number: int) -> int | None:
    """When a process began, in clock ticks since the machine did; None on systems without /proc."""
    fields = _stat(number)
    return int(fields[19]) if len(fields) > 19 else None


def processor_ticks(number: int) -> int:
    """Processor time of a process, in clock ticks; 0 where it cannot be read."""
    fields = _stat(number)
    return int(fields[11]) + int(fields[12]) if len(fields) > 12 else 0


def _is_dead(number: int) -> bool:
    """Whether it has ended and only waits for its parent to ask how."""
    return _stat(number)[:1] in (["Z"], ["X"])
