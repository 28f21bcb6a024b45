"""Layer statistics of sampled steps, within a budget of the observer's own measured time.

Own time is credited step by step (CAPTURE: differences of step times are too noisy to steer by). A sampled
step reads at most SAMPLE elements of each tensor, strided, so that no random number is drawn.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from paramedic.trace.store import LayerRow

if TYPE_CHECKING:
    from paramedic.capture.observer import Observer

SAMPLE = 1024
DENSE_STEPS = frozenset({0, 1, 2, 4, 8, 16, 32, 64})
SAFETY = 0.75  # self-measured time under-reads by about a quarter (CAPTURE, section 4)
MAX_LAYERS = 200


def is_sharded(tensor: Tensor) -> bool:
    """Whether a process holds a part of it only (DTensor)."""
    return hasattr(tensor, "to_local")


def local(tensor: Tensor) -> Tensor:
    """This process's part of a sharded tensor (DTensor), any other tensor itself.

    Reading a whole one would wait for the other ranks, which may not read it now.
    """
    return tensor.to_local() if is_sharded(tensor) else tensor  # type: ignore[attr-defined]


def sample(tensor: Tensor) -> Tensor:
    """At most SAMPLE elements at equal distances, detached, float32 (float64 stays)."""
    tensor = local(tensor)
    flat = tensor.detach().reshape(-1) if tensor.is_contiguous() else tensor.detach().flatten()
    if flat.numel() > SAMPLE:
        flat = flat[:: flat.numel() // SAMPLE][:SAMPLE]
    return flat if flat.dtype == torch.float64 else flat.float()


def statistics(values: Tensor) -> Tensor:
    """(mean, std, min, max, share of zeros, share of non-finite) of a flat tensor; finite values only."""
    finite = torch.isfinite(values)
    good = values[finite]
    if good.numel() == 0:
        return torch.tensor([math.nan] * 4 + [0.0, 1.0])
    low, high = torch.aminmax(good)
    std = good.std(correction=0)
    zero = (good == 0).float().mean()
    return torch.stack([good.mean(), std, low, high, zero, 1 - finite.float().mean()]).float()


class LayerSampler:
    """Decides which steps are sampled, and writes their layer rows."""

    def __init__(self, observer: Observer, overhead: float) -> None:
        self.observer = observer
        self.overhead = overhead
        self.wanted = True
        self.gradient_norm: float | None = None
        self._rows: list[tuple[str, str, Tensor]] = []
        self._seen: set[str] = set()
        self._before: list[tuple[str, Tensor, Tensor]] = []
        self._paths: dict[int, str] = {}

    def decide(self, step: int) -> None:
        """Whether the coming step is sampled."""
        elapsed = time.perf_counter() - self.observer.started
        self.wanted = step in DENSE_STEPS or (
            step > 64 and self.observer.spent < SAFETY * self.overhead * elapsed
        )

    def path(self, module: nn.Module) -> str | None:
        path = self._paths.get(id(module))
        if path is None:
            for record in self.observer.setup.models:
                for name, part in record.module.named_modules():
                    self._paths.setdefault(id(part), f"{record.name}.{name}" if name else record.name)
            path = self._paths.setdefault(id(module), "")
        return path or None

    def activation(self, module: nn.Module, result: Any) -> None:
        """Called after every module's forward while hooks are armed."""
        if not self.wanted or not isinstance(result, Tensor) or next(module.children(), None) is not None:
            return
        if not result.is_floating_point() or not result.requires_grad or len(self._rows) > 4 * MAX_LAYERS:
            return
        started = time.thread_time()
        self.observer.busy = True
        try:
            path = self.path(module)
            if path is not None and path not in self._seen and len(self._seen) < MAX_LAYERS:
                self._seen.add(path)
                self._rows.append((path, "activation", statistics(sample(result))))
        except Exception as error:
            self.observer.errors.setdefault("activation", f"{type(error).__name__}: {error}")
        finally:
            self.observer.busy = False
            self.observer.spent += time.thread_time() - started

    def after_backward(self) -> None:
        """Gradients are read before the step, when they are unscaled and clipped."""

    def before_step(self, optimizer: torch.optim.Optimizer) -> None:
        self.gradient_norm = None
        self._before = []
        if not self.wanted:
            return
        squares: list[Tensor] = []
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                grad = parameter.grad
                if grad is None or grad.is_sparse or len(self._before) >= MAX_LAYERS:
                    continue
                name = (
                    self.observer.setup.parameter_name(parameter)
                    if id(parameter) not in self._paths
                    else None
                )
                name = self._paths.setdefault(id(parameter), name or f"parameter {len(self._paths)}")
                weight = sample(parameter)
                self._rows.append((name, "gradient", statistics(sample(grad))))
                self._rows.append((name, "weight", statistics(weight)))
                self._before.append((name, parameter, weight.clone()))
                squares.append(torch.linalg.vector_norm(local(grad).detach()).float())
        if squares:
            self.gradient_norm = float(torch.linalg.vector_norm(torch.stack(squares)))

    def after_step(self, optimizer: torch.optim.Optimizer) -> None:
        if not self.wanted:
            return
        for name, parameter, weight in self._before:
            self._rows.append((name, "update", statistics(sample(parameter) - weight)))
        if self._rows:
            values = torch.stack([row[2].to("cpu") for row in self._rows]).tolist()
            for (path, quantity, _), numbers in zip(self._rows, values, strict=True):
                self.observer.writer.layer(LayerRow(self.observer.steps, path, quantity, *numbers))
        self._rows, self._before = [], []
        self._seen.clear()
