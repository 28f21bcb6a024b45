"""How far a batch is from what the first normalization layer of a trained network has seen.

References: Ioffe and Szegedy, "Batch normalization", 2015 (running statistics); Kullback and Leibler 1951.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # torchvision's published recipe
IMAGENET_STD = (0.229, 0.224, 0.225)
_TINY = 1e-12


def statistics_gap(seen: Tensor, mean: Tensor, variance: Tensor, eps: float = 1e-5) -> float:
    """Median over channels of KL(N(batch) || N(running)) of (n, C, ...) activations against running statistics."""
    axes = [axis for axis in range(seen.dim()) if axis != 1]
    values = seen.detach().double()
    batch_mean = values.mean(dim=axes)
    batch_variance = values.var(dim=axes, unbiased=False) + eps
    running = variance.double() + eps
    ratio = batch_variance / running
    divergence = 0.5 * (ratio + (batch_mean - mean.double()) ** 2 / running - 1.0 - torch.log(ratio))
    return float(divergence.median())


def has_trained_statistics(norm: nn.Module) -> bool:
    """Whether running statistics are other than those a fresh layer starts with (mean 0, variance 1)."""
    mean, variance = getattr(norm, "running_mean", None), getattr(norm, "running_var", None)
    if mean is None or variance is None:
        return False
    return bool((mean != 0).any() or (variance != 1).any())


@dataclass(frozen=True)
class Recipe:
    """A way to bring images to a network: ``apply`` maps values in [0, 1] to it."""

    name: str
    apply: Callable[[Tensor], Tensor]


def _channelwise(values: tuple[float, ...], images: Tensor) -> Tensor:
    given = torch.tensor(values, dtype=images.dtype)
    if images.shape[1] != len(values):
        given = given.mean().expand(images.shape[1])
    return given.reshape(1, -1, 1, 1)


def _imagenet(images: Tensor) -> Tensor:
    return (images - _channelwise(IMAGENET_MEAN, images)) / _channelwise(IMAGENET_STD, images)


def _caffe(images: Tensor) -> Tensor:
    return 255 * (images - _channelwise(IMAGENET_MEAN, images)).flip(1)


RECIPES: tuple[Recipe, ...] = (
    Recipe("values in [0, 1]", lambda images: images),
    Recipe("values in [-1, 1]", lambda images: 2 * images - 1),
    Recipe("values in [0, 255]", lambda images: 255 * images),
    Recipe("mean and standard deviation of ImageNet", _imagenet),
    Recipe("BGR, values in [0, 255] minus the mean", _caffe),
    Recipe("values divided by 255 twice", lambda images: images / 255),
    Recipe("mean and standard deviation of ImageNet on [0, 255]", lambda images: _imagenet(255 * images)),
)


def to_unit_range(images: Tensor) -> tuple[str, Tensor] | None:
    """The name of the family of value ranges that (n, C, H, W) images are in, and the images in [0, 1].

    None where no family fits.
    """
    values = images.detach().double()
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high > 2 and high <= 255.5:
        return "values in [0, 255]", values / 255
    if low >= 0 and high <= 1.0 / 255 + 1e-6:
        return "values divided by 255 twice", values * 255
    if low >= 0 and high <= 1 + 1e-6:
        return "values in [0, 1]", values
    mean, std = _channelwise(IMAGENET_MEAN, values), _channelwise(IMAGENET_STD, values)
    back = values * std + mean
    if low >= -1 - 1e-6 and high <= 1 + 1e-6 and low < 0:
        return "values in [-1, 1]", (values + 1) / 2
    if float(back.min()) >= -1e-3 and float(back.max()) <= 1 + 1e-3:
        return "mean and standard deviation of ImageNet", back.clamp(0, 1)
    if float(back.min()) >= -1e-1 and float(back.max()) <= 255.5 and float(back.max()) > 2:
        return "mean and standard deviation of ImageNet on [0, 255]", (back / 255).clamp(0, 1)
    return None
