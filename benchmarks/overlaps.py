"""Tables whose classes overlap and whose labels are right: where noise and a hard task look alike.

Levels of noisy-labels were chosen on ``CHOSEN_ON``; ``OTHER_KINDS`` led to changes of them afterwards.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_diabetes

Floats = NDArray[np.float64]
Made = tuple[Floats, NDArray[np.int64]]
Maker = Callable[[int, np.random.Generator], Made]


def _quantiles(score: Floats, classes: int) -> NDArray[np.int64]:
    return np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)


def _gaussians(classes: int, width: int, distance: float, spread: float = 1.0) -> Maker:
    def make(n: int, g: np.random.Generator) -> Made:
        centres = g.normal(size=(classes, width)) * distance / np.sqrt(2 * width)
        sds = g.uniform(1 / spread, spread, classes) if spread > 1 else np.ones(classes)
        y = g.integers(0, classes, n)
        return centres[y] + sds[y][:, None] * g.normal(size=(n, width)), y

    return make


def _friedman(classes: int, noise: float) -> Maker:
    def make(n: int, g: np.random.Generator) -> Made:
        x = g.uniform(size=(n, 10))
        score = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4]
        return x, _quantiles(score + noise * g.normal(size=n), classes)

    return make


def _categories(classes: int, noise: float, columns: int, levels: int, interact: bool = False) -> Maker:
    def make(n: int, g: np.random.Generator) -> Made:
        z, effect = g.integers(0, levels, (n, columns)), g.normal(size=(columns, levels))
        score = np.sum([effect[column][z[:, column]] for column in range(columns)], axis=0)
        if interact:
            score = score + 1.5 * g.normal(size=(levels, levels))[z[:, 0], z[:, 1]]
        x = np.concatenate([np.eye(levels)[z[:, column]] for column in range(columns)], axis=1)
        return x, _quantiles(score + noise * score.std() * g.normal(size=n), classes)

    return make


def _softmax(classes: int, temperature: float) -> Maker:
    def make(n: int, g: np.random.Generator) -> Made:
        x = g.normal(size=(n, 8))
        logits = x @ g.normal(size=(8, classes)) / temperature
        return x, (logits + g.gumbel(size=logits.shape)).argmax(axis=1)

    return make


def _linear(classes: int, noise: float) -> Maker:
    def make(n: int, g: np.random.Generator) -> Made:
        x, weight = g.normal(size=(n, 10)), g.normal(size=10)
        return x, _quantiles(x @ weight / np.linalg.norm(weight) + noise * g.normal(size=n), classes)

    return make


def _counts(classes: int, rate: float) -> Maker:
    def make(n: int, g: np.random.Generator) -> Made:
        y, rates = g.integers(0, classes, n), rate * g.gamma(2.0, 1.0, (classes, 12))
        return g.poisson(rates[y]).astype(float), y

    return make


def _rings(classes: int, spread: float) -> Maker:
    def make(n: int, g: np.random.Generator) -> Made:
        y, angle = g.integers(0, classes, n), g.uniform(0, 2 * np.pi, n)
        radius = 1 + y + spread * g.normal(size=n)
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y

    return make


def _diabetes(classes: int) -> Maker:
    def make(n: int, g: np.random.Generator) -> Made:
        data = load_diabetes(scaled=False)
        order = g.permutation(len(data.data))[:n]
        return data.data[order], _quantiles(data.target[order], classes)

    return make


CHOSEN_ON: dict[str, Maker] = {
    **{f"Gaussians {c}, {d}": _gaussians(c, 6, d) for c in (2, 3, 5) for d in (2, 3, 4)},
    **{f"Friedman {c}, {s}": _friedman(c, s) for c in (2, 3, 4) for s in (0.5, 2.0)},
    **{f"categories {c}, {s}": _categories(c, s, 4, 4) for c in (2, 3) for s in (0.15, 0.4, 0.8)},
}
OTHER_KINDS: dict[str, Maker] = {
    **{f"softmax {c}, {t}": _softmax(c, t) for c in (2, 3, 5) for t in (0.3, 0.7)},
    **{f"linear {c}, {s}": _linear(c, s) for c in (2, 3, 4) for s in (0.2, 0.5, 1.0)},
    **{f"counts {c}, {r}": _counts(c, r) for c in (3, 6) for r in (0.5, 1.5)},
    **{f"rings {c}, {s}": _rings(c, s) for c in (2, 3) for s in (0.2, 0.35)},
    **{f"interactions {c}, {s}": _categories(c, s, 3, 5, True) for c in (2, 3) for s in (0.15, 0.4)},
    **{f"Gaussians of other sds {c}": _gaussians(c, 10, 3.5, 2.0) for c in (2, 4)},
    **{f"diabetes {c}": _diabetes(c) for c in (2, 3)},
}
SIZES = (105, 300, 750)


def overlapping(name: str, rows: int, seed: int) -> Made:
    """(n, d) inputs and (n,) labels 0..C-1."""
    generator = np.random.default_rng([seed, zlib.crc32(name.encode()), rows])
    x, y = {**CHOSEN_ON, **OTHER_KINDS}[name](rows, generator)
    return x.astype(np.float32), y.astype(np.int64)
