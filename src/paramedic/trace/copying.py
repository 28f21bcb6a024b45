"""Copies of this process (fork): whether one can be made, and what it has to do first."""

from __future__ import annotations

import gc
import os
import signal
import sys
import warnings
from collections.abc import Mapping

import torch

from paramedic.trace.memory import free_bytes

LEAST_MEMORY = 2.0  # as many times this process's memory must be free per copy: pages are copied when they are written to


def why_no_copy(copies: int = 1) -> str | None:
    """Why so many copies of this process could not compute; None where they can."""
    if sys.platform != "linux":
        return "only on Linux a process can be copied"
    if torch.cuda.is_initialized() or torch.backends.mps.is_available():
        return "a process that uses a GPU cannot be copied"
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return "it is one of several processes"
    if signal.getsignal(signal.SIGCHLD) not in (signal.SIG_DFL, signal.SIG_IGN):
        return "the program is told of every process of its that ends (SIGCHLD), and a copy would be one"
    if _would_warn():
        return "the program asks for warnings, and copying a process with threads is one"
    used, free = memory()
    if free >= LEAST_MEMORY * used * copies:
        return None
    return f"there is not memory enough for {'a copy' if copies == 1 else f'{copies} copies'} of the process"


def _would_warn() -> bool:
    """Whether Python 3.12's DeprecationWarning of fork beside threads would be seen."""
    if sys.version_info < (3, 12):
        return False
    for action, _, category, module, _ in warnings.filters:
        pattern = getattr(module, "pattern", module)
        if issubclass(DeprecationWarning, category) and pattern in (None, ""):
            return action != "ignore"
    return False


def memory() -> tuple[int, float]:
    """Bytes that this process holds, and that are free."""
    with open("/proc/self/statm", encoding="ascii") as file:
        used = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return used, free_bytes(torch.device("cpu"))


def keep_off(signals: Mapping[signal.Signals, signal.Handlers]) -> int:
    """In a copy: nothing reaches the terminal but through the descriptor that is returned (the terminal's standard error),
    nothing of the program's is collected, signals are handled as given, and torch computes in this thread.
    """
    gc.freeze()  # a finalizer of what there was before would stop workers that the program still uses
    for number, handler in signals.items():
        signal.signal(number, handler)
    torch.set_num_threads(1)  # the other threads were not copied
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    return terminal
