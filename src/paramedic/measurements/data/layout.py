"""Whether images are smooth in the layout in which they are read; von Neumann's ratio on pixels.

Reference: J. von Neumann, "Distribution of the ratio of the mean square successive difference to the variance",
1941.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
CHANNELS = (1, 2, 3, 4)
_TINY = 1e-12


@dataclass(frozen=True)
class Reading:
    """Another reading of the same memory.

    ratio: geometric mean over the images of roughness(this reading) / roughness(as given); below 1 is smoother.
    z: the paired z-score of the logarithm of that ratio (negative is smoother).
    """

    name: str
    ratio: float
    z: float


@dataclass(frozen=True)
class Smoothness:
    """roughness: median over images; 1 where neighbouring pixels are unrelated, near 0 in smooth images.

    z: how many standard deviations the roughness lies below that of randomly permuted pixels.
    partner: median over pixels of the largest |correlation| with another pixel, over the images.
    """

    roughness: float
    z: float
    partner: float


def roughness(images: Floats) -> Floats:
    """(n,) von Neumann ratio of each image of (n, C, H, W): mean over both axes of E|x_p - x_{p+1}|^2 / 2 Var."""
    variance = images.var(axis=(2, 3)).sum(axis=1)
    steps = [
        (np.diff(images, axis=axis) ** 2).mean(axis=(2, 3)).sum(axis=1)
        for axis in (2, 3)
        if images.shape[axis] > 1
    ]
    return np.mean(steps, axis=0) / (2 * variance + _TINY) + _TINY


def as_images(inputs: Tensor, limit: int = 64) -> Floats:
    """Up to ``limit`` of the (n, C, H, W) rows, evenly spread, without those that are constant or not finite."""
    step = max(1, len(inputs) // limit)
    images = inputs[::step][:limit].detach().double().cpu().numpy()
    flat = images.reshape(len(images), -1)
    good = np.isfinite(flat).all(axis=1) & (flat.std(axis=1) > 0)
    return np.asarray(images[good], dtype=np.float64)


def readings(images: Floats) -> list[Reading]:
    """All other readings of the memory of (n, C, H, W), smoothest first."""
    given = np.log(roughness(images))
    found = []
    for name, other in _others(images):
        difference = np.log(roughness(other)) - given
        spread = difference.std(ddof=1) / np.sqrt(len(difference)) if len(difference) > 1 else np.inf
        found.append(
            Reading(name, float(np.exp(difference.mean())), float(difference.mean() / (spread + _TINY)))
        )
    return sorted(found, key=lambda reading: reading.ratio)


def _others(images: Floats) -> list[tuple[str, Floats]]:
    n, c, h, w = images.shape
    found: list[tuple[str, Floats]] = []
    if c in CHANNELS:
        if c > 1:
            found.append(
                (f"({h}, {w}, {c}) memory viewed as ({c}, {h}, {w})", _channels_last(images, h, w, c))
            )
            if h != w:
                found.append(
                    (f"({w}, {h}, {c}) memory viewed as ({c}, {h}, {w})", _channels_last(images, w, h, c))
                )
        for width in _widths(h * w):
            if width != w:
                name = f"rows of {width} pixels viewed as rows of {w}"
                found.append((name, images.reshape(n, c, h * w // width, width)))
    if w in CHANNELS and c not in CHANNELS:
        found.append((f"(N, {c}, {h}, {w}) is (N, H, W, C)", images.transpose(0, 3, 1, 2)))
    return found


def _channels_last(images: Floats, h: int, w: int, c: int) -> Floats:
    return images.reshape(len(images), h, w, c).transpose(0, 3, 1, 2)


def _widths(pixels: int) -> list[int]:
    return [width for width in range(4, pixels // 4 + 1) if pixels % width == 0]


def smoothness(images: Floats, permutations: int = 20, seed: int = 0) -> Smoothness:
    """Roughness of (n, C, H, W) against the same images under random fixed permutations of the pixels."""
    n, c, h, w = images.shape
    generator = np.random.default_rng(seed)
    flat = images.reshape(n, c, h * w)
    given = float(np.median(roughness(images)))
    null = np.array(
        [
            np.median(roughness(flat[:, :, generator.permutation(h * w)].reshape(images.shape)))
            for _ in range(permutations)
        ]
    )
    return Smoothness(given, float((null.mean() - given) / (null.std(ddof=1) + _TINY)), _partner(flat[:, 0]))


def _partner(pixels: Floats, limit: int = 400) -> float:
    varying = pixels[:, pixels.std(axis=0) > 0]
    chosen = varying[:, :: max(1, varying.shape[1] // limit)]
    if chosen.shape[1] < 2 or len(chosen) < 3:
        return 0.0
    correlation: NDArray[Any] = np.abs(np.corrcoef(chosen.T))
    np.fill_diagonal(correlation, 0)
    return float(np.median(correlation.max(axis=1)))
