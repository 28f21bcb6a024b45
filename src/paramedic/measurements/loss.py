"""Numbers about outputs, targets and losses. Pure functions of tensors."""

from __future__ import annotations

import torch
from torch import Tensor

BINARY = 2


def is_class_index(target: Tensor) -> bool:
    """Whether ``target`` holds class numbers: integers, from 0 up, at least two of them."""
    if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool or target.numel() < BINARY:
        return False
    return int(target.min()) >= 0 and target.unique().numel() >= BINARY


def class_dimension(output: Tensor, target: Tensor) -> int | None:
    """The dimension of ``output`` that holds the classes of ``target``; None if the shapes do not fit.

    output: (..., C, ...) with C > target.max(), whose other dimensions have as many elements as ``target``.
    """
    if not is_class_index(target) or output.dim() < 2:
        return None
    classes = int(target.max()) + 1
    fitting = [
        dim for dim in range(output.dim())
        if output.shape[dim] >= classes and output.numel() == output.shape[dim] * target.numel()
    ]
    exact = [dim for dim in fitting if (*output.shape[:dim], *output.shape[dim + 1 :]) == tuple(target.shape)]
    order = sorted(exact or fitting, key=lambda dim: (dim != 1, dim != output.dim() - 1, dim))
    return order[0] if order else None


def class_agreement(output: Tensor, target: Tensor, rows: Tensor | None = None) -> float | None:
    """Share of targets that are the class with the largest output; None if the shapes do not fit.

    rows: boolean, shape of ``target``: the ones that count.
    """
    dim = class_dimension(output, target)
    if dim is None:
        return None
    right = (output.argmax(dim).reshape(target.shape) == target).double()
    if rows is not None and bool(rows.any()):
        right = right[rows]
    return float(right.mean())


def is_two_valued(target: Tensor) -> bool:
    return target.numel() >= BINARY and target.unique().numel() == BINARY


def rank_agreement(output: Tensor, target: Tensor) -> float:
    """Area under the ROC curve for a two-valued target, from -1 (larger outputs for the smaller value) over 0
    (chance) to 1."""
    ranks, positive = average_ranks(output) + 1, (target == target.max()).flatten()
    n = int(positive.sum())
    m = len(ranks) - n
    area = (float(ranks[positive].sum()) - n * (n + 1) / 2) / (n * m)
    return 2 * area - 1


def correlation(output: Tensor, target: Tensor) -> float:
    """Pearson's correlation of two tensors of the same number of elements; 0 if one of them is constant."""
    one, other = output.double().flatten(), target.double().flatten()
    one, other = one - one.mean(), other - other.mean()
    scale = float(one.norm() * other.norm())
    return float(one @ other) / scale if scale > 0 else 0.0


def average_ranks(values: Tensor) -> Tensor:
    """Ranks from 0, equal values sharing their mean rank; float64, flat."""
    flat = values.double().flatten()
    _, group, counts = flat.unique(return_inverse=True, return_counts=True)
    last = counts.cumsum(0).double()
    return (last - (counts.double() + 1) / 2)[group]


def monotone_correlation(output: Tensor, target: Tensor) -> float:
    """The larger one in size of Pearson's and Spearman's correlation: outputs may be logarithms of the target."""
    linear = correlation(output, target)
    ranked = correlation(average_ranks(output), average_ranks(target))
    return linear if abs(linear) >= abs(ranked) else ranked


def shares_dimension(output: Tensor, target: Tensor) -> int | None:
    """The dimension along which ``target`` is a distribution that ``output`` gives the logits or logarithms of (mixed
    or smoothed labels, a teacher's probabilities); None for one-hot rows, whose order alone counts."""
    if output.shape != target.shape or not target.is_floating_point() or target.dim() < 2:
        return None
    if is_two_valued(target) or float(target.min()) < 0:
        return None
    for dim in reversed(range(target.dim())):
        sums = target.sum(dim)
        if target.shape[dim] > 1 and bool(torch.isclose(sums, torch.ones_like(sums), atol=1e-4).all()):
            return dim
    return None


def agreement(output: Tensor, target: Tensor, counted: Tensor | None = None) -> float | None:
    """How well ``output`` gives ``target``, 1 = perfectly; None if they cannot be compared.

    Accuracy for class numbers, area under the ROC curve (-1 to 1) for two-valued targets, correlation for continuous
    ones and for distributions. counted: boolean, shape of ``output``: elements that the loss looks at.
    """
    if is_class_index(target) and output.dim() >= 2 and class_dimension(output, target) is not None:
        dim = class_dimension(output, target)
        assert dim is not None
        rows = counted.any(dim).reshape(target.shape) if counted is not None else None
        return class_agreement(output, target, rows)
    if output.numel() != target.numel() or target.is_complex() or target.numel() < BINARY:
        return None
    shares = shares_dimension(output, target)
    if shares is not None:
        return correlation(output.double().softmax(shares), target.double())
    out, aim = output.flatten(), target.flatten()
    if counted is not None and bool(counted.any()):
        out, aim = out[counted.flatten()], aim[counted.flatten()]
    if aim.unique().numel() < BINARY:
        return None
    return rank_agreement(out, aim) if is_two_valued(aim) else monotone_correlation(out, aim)



def sums_to_one_over(values: Tensor, dim: int, logarithms: bool) -> tuple[float, float]:
    """Least and largest sum of probabilities along ``dim``; ``values`` may be their logarithms."""
    rows = values.detach().double()
    sums = (rows.exp() if logarithms else rows).sum(dim)
    return float(sums.min()), float(sums.max())
