"""Finds out whether a target is the input, shifted in time (next token, next value)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

MOST_AHEAD = 8  # steps
LEAST_LENGTH = 4
LEAST_PLACES = 16  # where the input changes from one step to the next; 16 agree by chance with p < 2e-5
AGREEMENT = 0.98  # of these places; a few may be masked or cleaned
ROWS = 64


@dataclass(frozen=True)
class Shifted:
    """``target[b, t] == input[b, t + ahead]``.

    input_index, target_index: (b, t, features) positions in the flattened input and target.
    """

    ahead: int
    input_index: Tensor
    target_index: Tensor
    agreement: float

    @property
    def length(self) -> int:
        return self.input_index.shape[1]


def grids(shape: torch.Size, rows: int | None = None) -> Iterator[Tensor]:
    """Positions (b, t, features) of a flattened tensor in every usual order of batch, time and features."""
    index = torch.arange(shape.numel()).reshape(shape)
    if len(shape) == 1:
        if rows is None:
            yield index[None, :, None]
        elif shape[0] % rows == 0:
            yield index.reshape(rows, -1, 1)
            yield index.reshape(-1, rows, 1).transpose(0, 1)
    elif len(shape) == 2:
        yield index[:, :, None]
        yield index.transpose(0, 1)[:, :, None]
        if rows is None:
            yield index[None]
        elif rows > 1 and shape[0] % rows == 0:
            yield index.reshape(rows, -1, shape[1])
            yield index.reshape(-1, rows, shape[1]).transpose(0, 1)
    elif len(shape) == 3:
        yield index
        yield index.transpose(1, 2)
        yield index.transpose(0, 1)


def is_one_hot(values: Tensor) -> bool:
    """Whether the last dimension of a float tensor (b, t, classes) holds one-hot vectors."""
    if not values.is_floating_point() or values.shape[-1] < 3:
        return False
    return bool(((values == 0) | (values == 1)).all() and (values.sum(-1) == 1).all())


def shifted(source: Tensor, target: Tensor, ignored: int = -100, present: bool = False) -> Shifted | None:
    """How the target is a shifted copy of the input; None if it is not.

    With ``present`` a copy that is not shifted counts as well, as one that is 0 steps ahead.
    """
    if source.layout != torch.strided or target.layout != torch.strided:
        return None
    for input_index in grids(source.shape):
        rows, length = input_index.shape[:2]
        if length < LEAST_LENGTH:
            continue
        values = source.detach().flatten()[input_index]
        kinds = [(values.argmax(-1, keepdim=True), True)] if is_one_hot(values) else []
        for inputs, _ in [*kinds, (values, False)]:
            for target_index in grids(target.shape, rows):
                if target_index.shape[0] != rows or target_index.shape[1] < LEAST_LENGTH:
                    continue
                found = _ahead(inputs[:ROWS], target.detach().flatten()[target_index[:ROWS]], ignored, present)
                if found is not None:
                    return Shifted(found[0], input_index, target_index, found[1])
    return None


def _ahead(inputs: Tensor, target: Tensor, ignored: int, present: bool) -> tuple[int, float] | None:
    """(steps ahead, agreement) for inputs (b, t, f) and target (b, t', g) with g at most f.

    None where the target also stands in the present or the past (a copy, a periodic series): then nothing of the
    future is needed. With ``present``, (0, agreement) where it stands in the present alone.
    """
    width = target.shape[2]
    if width > inputs.shape[2] or inputs.is_floating_point() != target.is_floating_point():
        return None
    channels = range(inputs.shape[2]) if width == 1 else [0]
    for channel in channels:
        part = inputs[:, :, channel : channel + width]
        agreements = {ahead: _agreement(part, target, ahead, ignored) for ahead in range(-MOST_AHEAD, MOST_AHEAD + 1)}
        agreeing = [ahead for ahead, agreement in agreements.items() if agreement >= AGREEMENT]
        if agreeing and agreeing[0] > 0:
            return agreeing[0], agreements[agreeing[0]]
        if present and agreeing == [0]:
            return 0, agreements[0]
    return None


def _agreement(inputs: Tensor, target: Tensor, ahead: int, ignored: int) -> float:
    """Share of the targets that equal the input ``ahead`` steps later; 0 where too few of the inputs change."""
    first, last = max(0, -ahead), min(target.shape[1], inputs.shape[1] - ahead)
    if last - first < 2 or inputs.shape[1] < last:
        return 0.0
    wanted, there, here = target[:, first:last], inputs[:, first + ahead : last + ahead], inputs[:, first:last]
    if target.is_floating_point():
        tolerance = 1e-5 * float(target.abs().max()) + 1e-12
        equal, moves = (there - wanted).abs() <= tolerance, (there - here).abs() > 100 * tolerance
        asked = torch.ones_like(equal)
    else:
        equal, moves, asked = there == wanted, there != here, wanted != ignored
    if ahead and int((moves & asked).sum()) < LEAST_PLACES:
        return 0.0
    return float(equal[asked].double().mean()) if bool(asked.any()) else 0.0
