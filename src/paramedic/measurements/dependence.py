"""Which part of an output changes when one sample (or the future of a sequence) of the input is changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

TOLERANCE = 1e-5  # of the tensor's scale; runs of equal shape agree bit for bit in practice


@dataclass(frozen=True)
class Layout:
    """Where the samples stand in a tensor: entry i of dimension ``dim`` belongs to sample (i // block) % count.

    block is 1 for a plain batch dimension; larger or repeated where other dimensions were merged with it.
    """

    dim: int
    block: int
    count: int

    def owner(self, size: int) -> Tensor:
        """The sample that each of the ``size`` entries of the dimension belongs to."""
        return (torch.arange(size) // self.block) % self.count


def layouts(shape: Sequence[int], count: int) -> Iterator[Layout]:
    """All ways in which ``count`` samples can stand in a tensor of this shape; plain batch dimensions first."""
    order = sorted(range(len(shape)), key=lambda dim: (shape[dim] != count, dim))
    for dim in order:
        size = shape[dim]
        if size < count or size % count:
            continue
        ratio = size // count
        for block in range(1, ratio + 1):
            if ratio % block == 0:
                yield Layout(dim, block, count)


def scale(values: Tensor) -> float:
    """Standard deviation of all values, but not below a thousandth of the largest one (rounding)."""
    finite = values.detach().double()
    finite = finite[torch.isfinite(finite)]
    if finite.numel() == 0:
        return 1.0
    spread = float(finite.std()) if finite.numel() > 1 else 0.0
    return max(spread, 1e-3 * float(finite.abs().max()), 1e-30)


def difference(base: Tensor, other: Tensor) -> Tensor:
    """|base - other| as float64; 0 where both are NaN or equal infinities, infinite where only one is finite."""
    if base.is_complex():
        base, other = torch.view_as_real(base), torch.view_as_real(other)
    one, two = base.detach().double(), other.detach().double()
    delta = (one - two).abs()
    same = (one == two) | (one.isnan() & two.isnan())
    return torch.where(same, torch.zeros_like(delta), delta.nan_to_num(nan=float("inf")))


def along(delta: Tensor, dim: int) -> Tensor:
    """Largest entry for each index of one dimension."""
    return delta.movedim(dim, 0).reshape(delta.shape[dim], -1).amax(dim=1)


@dataclass(frozen=True)
class Change:
    """An output before and after sample ``sample`` was changed."""

    base: Tensor
    changed: Tensor
    sample: int


@dataclass(frozen=True)
class Leak:
    """How far the samples of an output depend on another sample, in the best layout of its samples.

    others: largest change of the entries of unchanged samples, in units of ``scale`` of the output.
    own: largest change of the changed sample's own entries, in the same units.
    moved: some changes reached exactly one other sample and not the changed one: the order is not kept.
    """

    layout: Layout | None
    others: float
    own: float
    moved: bool = False


def sample_leak(changes: Sequence[Change], count: int) -> Leak | None:
    """The leak of one output tensor over several changes; None where no dimension holds ``count`` samples.

    An output that relates samples with each other (several dimensions of ``count``) may change in every entry
    that has the changed sample as one of its indices.
    """
    first = changes[0].base
    found = [_leak_in(changes, layout) for layout in layouts(first.shape, count)]
    plain = [dim for dim, size in enumerate(first.shape) if size == count]
    if len(plain) > 1:
        found.append(_leak_in(changes, *(Layout(dim, 1, count) for dim in plain)))
    if not found:
        return None
    return min(found, key=lambda leak: (leak.others > TOLERANCE, leak.others if leak.others > TOLERANCE else -leak.own))


def _leak_in(changes: Sequence[Change], *options: Layout) -> Leak:
    others = own = 0.0
    moved = False
    for change in changes:
        delta = difference(change.base, change.changed) / scale(change.base)
        mine = torch.zeros_like(delta, dtype=torch.bool)
        for layout in options:
            index = [1] * delta.dim()
            index[layout.dim] = -1
            mine |= (layout.owner(delta.shape[layout.dim]) == change.sample).reshape(index)
        there, here = delta.masked_fill(mine, 0.0), delta.masked_fill(~mine, 0.0)
        others, own = max(others, float(there.max())), max(own, float(here.max()))
        if float(here.max()) <= TOLERANCE < float(there.max()):
            touched = options[0].owner(delta.shape[options[0].dim])[along(there, options[0].dim) > TOLERANCE]
            moved |= len(touched.unique()) == 1
    return Leak(options[0], others, own, moved)


def is_mixed(base: Tensor, other: Tensor, sample: int, count: int) -> bool | None:
    """Whether the change of one sample reached entries that are not its own, whatever the layout.

    None: nothing changed. A tensor of another shape, or one that has no dimension of samples, counts as mixed.
    """
    if base.shape != other.shape:
        return True
    delta = difference(base, other)
    if delta.numel() == 0 or float(delta.max()) <= TOLERANCE * scale(base):
        return None
    large = delta > TOLERANCE * scale(base)
    for layout in layouts(base.shape, count):
        touched = along(large.double(), layout.dim) > 0
        if bool((layout.owner(len(touched))[touched] == sample).all()):
            return False
    return True


def first_change(base: Tensor, other: Tensor, length: int) -> int | None:
    """The earliest changed index along a dimension of ``length``: the latest over all such dimensions.

    None: nothing changed, or no dimension has this length.
    """
    if base.shape != other.shape or length not in base.shape:
        return None
    delta = difference(base, other)
    if delta.numel() == 0 or float(delta.max()) <= TOLERANCE * scale(base):
        return None
    large = (delta > TOLERANCE * scale(base)).double()
    starts = [
        int(torch.nonzero(along(large, dim) > 0)[0]) for dim, size in enumerate(base.shape) if size == length
    ]
    return max(starts)


def sees_future(base: Tensor, other: Tensor, position: int, lengths: set[int]) -> str | None:
    """Where a change of the future (time >= position) reached a tensor.

    "past": only entries from ``position`` on, along a dimension of one of the lengths; "future": earlier entries;
    "unknown": it changed and has no such dimension; None: nothing changed.
    """
    if base.shape != other.shape:
        return "unknown"
    delta = difference(base, other)
    if delta.numel() == 0 or float(delta.max()) <= TOLERANCE * scale(base):
        return None
    starts = [first for length in lengths if (first := first_change(base, other, length)) is not None]
    if not starts:
        return "unknown"
    return "past" if max(starts) >= position else "future"
