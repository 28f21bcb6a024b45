"""What a run was made of, to compare it with another: settings, fingerprints of the data, the program's source."""

from __future__ import annotations

import hashlib
import platform
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from paramedic.checks.case import Case
from paramedic.checks.data.samples import Role, batches
from paramedic.trace.place import is_user_file, relative
from paramedic.trace.setup import LoaderRecord

MAX_SOURCE_BYTES = 200_000  # of all files together
MAX_FILES = 40
FINGERPRINT_BATCHES = 8


def environment() -> dict[str, Any]:
    """Versions and the machine, as far as they can change a result."""
    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() and torch.cuda.is_initialized() else None
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "device": gpu or "CPU",
        "threads": torch.get_num_threads(),
        "default dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
    }


def settings(case: Case) -> dict[str, Any] | None:
    """Flat name -> value: optimizers, schedulers, loaders, parameter counts."""
    setup = case.live
    if setup is None:
        return None
    found: dict[str, Any] = {}
    for record in setup.models:
        found[f"{record.name}: class"] = type(record.module).__name__
        found[f"{record.name}: parameters"] = sum(
            p.numel() for p in record.module.parameters() if not torch.nn.parameter.is_lazy(p)
        )
    for number, optimizer in enumerate(setup.optimizers):
        name = optimizer.name if len(setup.optimizers) == 1 else f"{optimizer.name} {number}"
        found[f"{name}: class"] = optimizer.kind
        for place, group in enumerate(optimizer.groups):
            prefix = name if len(optimizer.groups) == 1 else f"{name} group {place}"
            found |= {f"{prefix}: {key}": _value(value) for key, value in sorted(group.items())}
    for number, scheduler in enumerate(setup.schedulers):
        found[f"scheduler {number}: class"] = scheduler.kind
    for loader in setup.loaders:
        found |= _loader(loader)
    return found


def _loader(record: LoaderRecord) -> dict[str, Any]:
    loader = record.loader
    values: dict[str, Any] = {"batch size": getattr(loader, "batch_size", None)}
    values["sampler"] = type(getattr(loader, "sampler", None)).__name__
    values["drop last"] = getattr(loader, "drop_last", None)
    values["workers"] = getattr(loader, "num_workers", None)
    try:
        values["samples"] = len(record.dataset)
    except Exception:
        pass  # an iterable dataset has no length
    return {f"{record.name} ({record.role}): {key}": value for key, value in values.items()}


def _value(value: Any) -> Any:
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)[:80]


def fingerprints(case: Case) -> dict[str, str] | None:
    """Digest of the first recorded batches, inputs and targets apart, by role."""
    if case.live is None:
        return None
    found: dict[str, str] = {}
    roles: tuple[Role, ...] = ("train", "validation")
    for role in roles:
        recorded = batches(case, role)[:FINGERPRINT_BATCHES]
        for name, tensors in (
            ("inputs", [batch.inputs for batch in recorded]),
            ("targets", [batch.target for batch in recorded if batch.target is not None]),
        ):
            if tensors:
                found[f"{role} {name}, first {len(tensors)} batches"] = _digest(tensors)
    return found


def _digest(tensors: list[torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        value = tensor.detach().cpu().contiguous()
        digest.update(f"{tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.view(torch.uint8).numpy().tobytes() if value.dim() else str(value.item()).encode())
    return digest.hexdigest()[:16]


def sources(case: Case) -> dict[str, str] | None:
    """Text of the program's own files by their path as in findings, as far as MAX_SOURCE_BYTES reach."""
    paths = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    found: dict[str, str] = {}
    size = 0
    for path in dict.fromkeys(item for item in paths if isinstance(item, str) and item.endswith(".py")):
        if not is_user_file(path) or len(found) >= MAX_FILES:
            continue
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        size += len(text)
        if size > MAX_SOURCE_BYTES:
            break
        found[relative(path)] = text
    return found or None
