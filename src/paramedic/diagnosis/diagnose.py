"""An active check-up without a script: trains copies for a few steps under observation, and examines them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from paramedic.capture.watch import Watch
from paramedic.report.model import Report
from paramedic.trace.random_state import random_states_kept

DEFAULT_STEPS = 100  # as many as the lab replays
DEFAULT_LR = 1e-3  # Adam's own default, when no optimizer is given


def diagnose(
    model: nn.Module,
    loss: Callable[..., Tensor],
    train_loader: Iterable[Any],
    val_loader: Iterable[Any] | None = None,
    optimizer: torch.optim.Optimizer | None = None,
    *,
    steps: int = DEFAULT_STEPS,
    budget: float = 60.0,
) -> Report:
    """Find out why ``model`` does not learn; nothing of the caller's is changed.

    loss: called as ``loss(model(*inputs), target)``. train_loader, val_loader: iterables of batches
    ``(input, ..., target)`` (the last element is the target). optimizer: its class and settings are used on
    the copy; Adam at 1e-3 if None. steps: optimizer steps to observe. budget: seconds for experiments.
    Raises TypeError for a batch that is no tuple or list of tensors, and whatever deepcopy raises for a model
    that cannot be copied.
    """
    twin, criterion = copy.deepcopy((model, loss))
    stepper = _optimizer_for(model, twin, optimizer)
    with random_states_kept():
        with Watch(budget=budget) as observed:
            _train(twin, criterion, train_loader, val_loader, stepper, steps)
        return observed.report


def _optimizer_for(
    model: nn.Module, twin: nn.Module, optimizer: torch.optim.Optimizer | None
) -> torch.optim.Optimizer:
    """The same optimizer over the copy's parameters; parameters that are not the model's stay as they are."""
    if optimizer is None:
        return torch.optim.Adam(twin.parameters(), lr=DEFAULT_LR)
    twins = {id(p): q for p, q in zip(model.parameters(), twin.parameters(), strict=True)}
    groups = [
        {**group, "params": [twins.get(id(p), p.detach().clone().requires_grad_()) for p in group["params"]]}
        for group in optimizer.param_groups
    ]
    return type(optimizer)(groups, **optimizer.defaults)


def _split(batch: Any) -> tuple[list[Any], Any]:
    if not isinstance(batch, (tuple, list)) or len(batch) < 2:
        raise TypeError(f"a batch must be a tuple (input, ..., target), not {type(batch).__name__}")
    return list(batch[:-1]), batch[-1]


def _train(
    model: nn.Module,
    loss: Callable[..., Tensor],
    train_loader: Iterable[Any],
    val_loader: Iterable[Any] | None,
    optimizer: torch.optim.Optimizer,
    steps: int,
) -> None:
    done = 0
    while done < steps:
        model.train()
        before = done
        for batch in train_loader:
            inputs, target = _split(batch)
            optimizer.zero_grad()
            loss(model(*inputs), target).backward()
            optimizer.step()
            done += 1
            if done >= steps:
                break
        if done == before:
            raise ValueError("train_loader gave no batch")
    if val_loader is not None:
        model.eval()
        with torch.no_grad():
            for batch in val_loader:
                inputs, target = _split(batch)
                loss(model(*inputs), target)
