"""Which layers of a model the input meets first."""

from __future__ import annotations

from torch import nn

from paramedic.trace.setup import own_parameters


def first_layer(model: nn.Module) -> nn.Module | None:
    """The first layer with parameters, in the order of registration (which is nearly always that of the call)."""
    for module in model.modules():
        inner = [child for child in module.children() if not isinstance(child, (nn.ParameterDict, nn.ParameterList))]
        if not inner and own_parameters(module):
            return module
    return None


def first_batch_norm(model: nn.Module) -> tuple[str, nn.Module] | None:
    """Path and module of the first batch normalization with running statistics."""
    for path, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is not None:
            return path, module
    return None
