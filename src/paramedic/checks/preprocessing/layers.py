"""Which layers of a model the input meets first."""

from __future__ import annotations

from torch import nn


def first_layer(model: nn.Module) -> nn.Module | None:
    """The first layer with parameters, in the order of registration (which is nearly always that of the call)."""
    for module in model.modules():
        if next(module.children(), None) is None and next(module.parameters(recurse=False), None) is not None:
            return module
    return None


def first_batch_norm(model: nn.Module) -> tuple[str, nn.Module] | None:
    """Path and module of the first batch normalization with running statistics."""
    for path, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            return path, module
    return None
