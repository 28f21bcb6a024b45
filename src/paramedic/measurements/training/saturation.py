"""Which values of an activation lie on the flat part of its function."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor, nn

SATURATED = {nn.Tanh: 0.97, nn.Sigmoid: 0.985}  # |tanh| and the distance to 0 or 1 at which a slope is below 6 %
Values = Tensor | np.ndarray[Any, Any]


def on_flat_part(module: nn.Module, values: Values) -> Values | None:
    """1 for each output of ``module`` where the slope is below 6 % of the steepest, 0 elsewhere; None of other functions."""
    limit = SATURATED.get(type(module))
    if limit is None:
        return None
    middle, reach = (0.0, limit) if isinstance(module, nn.Tanh) else (0.5, limit - 0.5)
    if isinstance(values, Tensor):
        return ((values - middle).abs() > reach).float()
    return (np.abs(values - middle) > reach).astype(np.float32)
