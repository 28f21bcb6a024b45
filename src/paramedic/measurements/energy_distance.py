"""How far two samples are from having the same distribution."""

from __future__ import annotations

import torch
from torch import Tensor


def energy_distance(one: Tensor, other: Tensor) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| of rows (n, features) and (m, features); no row is compared with itself.

    Its expectation is 0 where both have one distribution, and above 0 elsewhere. Szekely and Rizzo, "Energy statistics:
    a class of statistics based on distances", 2013.
    """
    return float(2 * torch.cdist(one, other).mean()) - spread(one) - spread(other)


def spread(rows: Tensor) -> float:
    """E|X - X'|: the mean distance between two different rows."""
    count = len(rows)
    return float(torch.cdist(rows, rows).sum()) / max(1, count * (count - 1))


def distance_of_a_constant(rows: Tensor) -> float:
    """The energy distance of the rows to their own mean, given again and again."""
    return float(2 * (rows - rows.mean(dim=0)).norm(dim=1).mean()) - spread(rows)
