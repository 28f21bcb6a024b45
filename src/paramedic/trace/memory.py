"""How much memory is left: experiments need copies of the model, and must not be what ends the process."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import torch

CGROUP = Path("/sys/fs/cgroup")  # of this process, where it runs in a container (Linux' "Control Group v2")


def free_bytes(device: torch.device) -> float:
    """Bytes that new tensors on a device may take; inf where nobody says so."""
    if device.type == "cuda":
        held = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + held
    return min(_of_the_machine(), _of_the_container()) if device.type == "cpu" else math.inf


def _of_the_machine() -> float:
    with suppress(OSError, StopIteration, ValueError):
        with open("/proc/meminfo", encoding="ascii") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemAvailable"))
    return math.inf


def _of_the_container() -> float:
    with suppress(OSError, ValueError, KeyError):  # ValueError: there is no limit ("max")
        limit, used = (int((CGROUP / name).read_text(encoding="ascii")) for name in ("memory.max", "memory.current"))
        lines = (line.split() for line in (CGROUP / "memory.stat").read_text(encoding="ascii").splitlines())
        return limit - used + int(dict(lines)["inactive_file"])  # copies of files, which give way
    return math.inf
