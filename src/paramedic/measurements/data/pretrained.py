"""How inputs fit a trained network: its first normalization layer, the recipe published with it, what its features tell.

References: Ioffe and Szegedy, "Batch normalization", 2015 (running statistics); Kullback and Leibler 1951; McNemar 1947.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor, nn

from paramedic.measurements.data.relation import LINEAR, class_probabilities

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
    Recipe("mean and standard deviation of ImageNet on values divided by 255 twice", lambda images: _imagenet(images / 255)),
)


def other_orders(family: str, unit: Tensor) -> dict[str, Tensor]:
    """The (n, C, H, W) images, in [0, 1], with channels in reverse order, or height and width exchanged."""
    found = {f"{family}, channels in reverse order (RGB or BGR)": unit.flip(1)} if unit.shape[1] == 3 else {}
    if unit.shape[2] == unit.shape[3]:
        found[f"{family}, height and width exchanged"] = unit.transpose(2, 3)
    return found


def in_family(family: str, unit: Tensor) -> Tensor:
    """Images in [0, 1] in the value range that ``to_unit_range`` named."""
    return next(recipe.apply(unit) for recipe in RECIPES if recipe.name == family)


SETTINGS = ("pretrained_cfg", "default_cfg")  # of timm
HUB_FILE = "preprocessor_config.json"  # of transformers, beside the weights
COVERED = 0.7  # of [0, 1], by the images together: photographs reach from dark to bright
OVERSHOOT = 0.1  # outside of [0, 1]: interpolation rings at edges


def published_recipe(model: nn.Module) -> Recipe | None:
    """Mean and standard deviation that stand beside the weights, by timm's or transformers' conventions."""
    for module in model.modules():
        for name in SETTINGS:
            found = _channel_statistics(getattr(module, name, None), "mean", "std")
            if found is not None:
                return _published(f"the model's {name}", *found)
        folder = getattr(getattr(module, "config", None), "_name_or_path", None)
        if isinstance(folder, str) and folder and (Path(folder) / HUB_FILE).is_file():
            try:
                stored = json.loads((Path(folder) / HUB_FILE).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            found = _channel_statistics(stored, "image_mean", "image_std")
            if found is not None and stored.get("do_normalize", True):
                return _published(f"{HUB_FILE} of the model", *found)
    return None


def _channel_statistics(settings: Any, mean: str, std: str) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    values = [
        settings.get(key) if isinstance(settings, dict) else getattr(settings, key, None) for key in (mean, std)
    ]
    lists = [tuple(map(float, item)) for item in values if isinstance(item, list | tuple) and len(item) in (1, 3)]
    if len(lists) < 2:
        return None
    first, second = lists
    return (first, second) if len(first) == len(second) and min(second) > 0 else None


def _published(source: str, mean: tuple[float, ...], std: tuple[float, ...]) -> Recipe:
    shown = f"mean {', '.join(f'{m:g}' for m in mean)}, standard deviation {', '.join(f'{s:g}' for s in std)}"
    return Recipe(f"{shown} ({source})", lambda images: (images - _channelwise(mean, images)) / _channelwise(std, images))


def was_applied(recipe: Recipe, images: Tensor) -> bool:
    """Whether (n, C, H, W) images are what this linear recipe makes of values that cover most of [0, 1]."""
    values = images.detach().double()
    low = recipe.apply(torch.zeros_like(values[:1, :, :1, :1]))
    high = recipe.apply(torch.ones_like(values[:1, :, :1, :1]))
    unit = (values - low) / (high - low)
    least, most = float(unit.min()), float(unit.max())
    return least >= -OVERSHOOT and most <= 1 + OVERSHOOT and most - least >= COVERED


@dataclass(frozen=True)
class Reading:
    """Share of labels that a linear probe reads, out of fold, off two sets of features of the same n rows.

    p: that the second is not better (McNemar, exact, one-sided). interval: 95 % of the difference of shares.
    """

    before: float
    after: float
    p: float
    interval: tuple[float, float]
    rows: int


def read_better(first: NDArray[np.float64], second: NDArray[np.float64], labels: NDArray[np.int64]) -> Reading:
    """Of (n, d) features; labels 0..C-1 with several rows each."""
    right = [
        class_probabilities(_standardized(features), labels, LINEAR).argmax(axis=1) == labels for features in (first, second)
    ]
    gained, lost = int((right[1] & ~right[0]).sum()), int((right[0] & ~right[1]).sum())
    p = float(stats.binom.sf(gained - 1, gained + lost, 0.5)) if gained + lost else 1.0
    n = len(labels)
    difference = (gained - lost) / n
    error = 1.96 * np.sqrt(max(0.0, (gained + lost) / n - difference**2) / n)
    return Reading(float(right[0].mean()), float(right[1].mean()), p, (difference - error, difference + error), n)


def _standardized(features: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = features.std(axis=0)
    used = spread > 1e-9 * (np.abs(features).max(axis=0) + 1e-300)
    return (features[:, used] - features[:, used].mean(axis=0)) / spread[used] if used.any() else features[:, :1] * 0


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
    if float(back.min()) >= -1e-4 and float(back.max()) <= 1.0 / 255 + 1e-4:
        return "mean and standard deviation of ImageNet on values divided by 255 twice", (255 * back).clamp(0, 1)
    if float(back.min()) >= -1e-3 and float(back.max()) <= 1 + 1e-3:
        return "mean and standard deviation of ImageNet", back.clamp(0, 1)
    if float(back.min()) >= -1e-1 and float(back.max()) <= 255.5 and float(back.max()) > 2:
        return "mean and standard deviation of ImageNet on [0, 255]", (back / 255).clamp(0, 1)
    return None
