"""Inputs from which given targets can be told: data that are known to be solvable, in the shape of the user's own."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from paramedic.measurements.loss import is_class_index

STRENGTH = 1.5  # of the patterns; METHODS, row A1: with this and NOISE healthy programs learn in one or two epochs
NOISE = 0.7
TOKENS_OF_CLASS = 5
OWN_TOKENS = 0.5  # share of the positions that hold a token of the class


def surrogate(inputs: Tensor, target: Tensor, seed: int, own_scale: bool = True) -> Tensor | None:
    """Inputs (b, ...) of the shape and type of ``inputs`` from which ``target`` (b, ...) can be told; None where no
    such inputs are known for this kind of target.

    The patterns are the same for every seed, and the noise is not: other seeds are held-out rows. own_scale: mean and
    standard deviation of ``inputs``, else 0 and 1. Class targets (b,) and targets (b, k) of numbers or flags give one
    pattern for the row; class targets (b, positions...) one value pattern for each position.
    """
    if inputs.dim() == 0 or target.dim() == 0 or len(inputs) != len(target):
        return None
    noise = torch.Generator().manual_seed(1000 + seed)
    if not inputs.is_floating_point():
        return _tokens(inputs, target, noise)
    signal = _signal(inputs, target)
    if signal is None:
        return None
    values = signal + NOISE * torch.randn(inputs.shape, generator=noise, device="cpu")
    values = (values - values.mean()) / values.std().clamp_min(1e-6)
    if own_scale:
        values = values * inputs.float().std() + inputs.float().mean()
    return values.to(inputs.dtype)


def _signal(inputs: Tensor, target: Tensor) -> Tensor | None:
    if is_class_index(target) and target.dim() == 1:
        return STRENGTH * torch.stack([_pattern(inputs, int(label)) for label in target])
    if is_class_index(target):
        return _dense(inputs, target)
    values = target.reshape(len(target), -1).float()
    if values.shape[1] > inputs[0].numel():
        return None
    spread = values.std(dim=0, keepdim=True)
    values = (values - values.mean(dim=0, keepdim=True)) / torch.where(spread > 0, spread, torch.ones_like(spread))
    patterns = torch.stack([_pattern(inputs, column) for column in range(values.shape[1])])
    return STRENGTH * torch.einsum("bk,k...->b...", values, patterns)


def _pattern(inputs: Tensor, number: int) -> Tensor:
    """One row's pattern: low frequencies for pictures (c, h, w), independent values otherwise."""
    generator = torch.Generator().manual_seed(number)
    shape = inputs.shape[1:]
    if len(shape) == 3 and min(shape[1:]) >= 4:
        coarse = torch.randn(1, shape[0], 4, 4, generator=generator, device="cpu")
        return functional.interpolate(coarse, size=shape[1:], mode="bilinear")[0]
    return torch.randn(shape, generator=generator, device="cpu")


def _dense(inputs: Tensor, target: Tensor) -> Tensor | None:
    """A value for each channel at every position, by the position's class: channels first or last."""
    codes = torch.stack(
        [torch.randn(64, generator=torch.Generator().manual_seed(k), device="cpu") for k in range(int(target.max()) + 1)]
    )
    by_position = codes[target.clamp_min(0)]  # (b, positions..., 64)
    if inputs.dim() == target.dim() + 1 and inputs.shape[1:-1] == target.shape[1:] and inputs.shape[-1] <= 64:
        return STRENGTH * by_position[..., : inputs.shape[-1]]
    if inputs.dim() == target.dim() + 1 and inputs.shape[2:] == target.shape[1:] and inputs.shape[1] <= 64:
        return STRENGTH * by_position[..., : inputs.shape[1]].movedim(-1, 1)
    return None


def _tokens(inputs: Tensor, target: Tensor, noise: torch.Generator) -> Tensor | None:
    """Tokens that occur in the data, half of them from a few that belong to the row's class."""
    if not is_class_index(target) or target.dim() != 1 or inputs.dim() != 2 or inputs.dtype == torch.bool:
        return None
    known = inputs.unique()
    if len(known) < 2 * TOKENS_OF_CLASS:
        return None
    anything = known[torch.randint(len(known), inputs.shape, generator=noise, device="cpu")]
    generators = [torch.Generator().manual_seed(int(label)) for label in target]
    orders = [torch.randperm(len(known), generator=item, device="cpu") for item in generators]
    own = torch.stack([known[order[:TOKENS_OF_CLASS]] for order in orders])
    typical = own.gather(1, torch.randint(TOKENS_OF_CLASS, inputs.shape, generator=noise, device="cpu"))
    return torch.where(torch.rand(inputs.shape, generator=noise, device="cpu") < OWN_TOKENS, typical, anything)
