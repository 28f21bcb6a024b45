"""The 22 data sets of the calibration, all from wheels: scikit-learn, scikit-image and aeon (its files are read, the
package is not imported), and four synthetic ones.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets as sk

PATCH = 32
AEON = Path(__file__).parent.parent / "build" / "aeon"  # where `make bench-data` puts the package


@dataclass(frozen=True)
class Named:
    """x (n, ...) and y (n,), shuffled once; kind: "image", "series", "table" or "text"; regression: y are values."""

    name: str
    x: NDArray[Any]
    y: NDArray[Any]
    kind: str
    regression: bool = False


def _patches(images: list[NDArray[Any]], size: int = PATCH) -> tuple[NDArray[Any], NDArray[Any]]:
    """(n, C, size, size) patches that do not overlap, and the number of the picture each is from."""
    x, y = [], []
    for label, image in enumerate(images):
        pixels = np.atleast_3d(image)[..., :3]
        for top in range(0, pixels.shape[0] - size + 1, size):
            for left in range(0, pixels.shape[1] - size + 1, size):
                x.append(pixels[top : top + size, left : left + size].transpose(2, 0, 1))
                y.append(label)
    return np.stack(x).astype(np.float32) / 255, np.array(y)


def _skimage(*names: str) -> list[NDArray[Any]]:
    from skimage import data

    return [getattr(data, name)() for name in names]


def _lfw() -> tuple[NDArray[Any], NDArray[Any]]:
    from skimage import data

    x = np.asarray(data.lfw_subset(), np.float32)[:, None]
    return x, np.repeat([1, 0], 100)


def _aeon(name: str, stem: str = "") -> tuple[NDArray[Any], NDArray[Any]]:
    spec = importlib.util.find_spec("aeon")
    package = Path(spec.origin).parent if spec is not None and spec.origin is not None else AEON / "aeon"
    if not package.is_dir():
        raise ModuleNotFoundError(f"aeon's data files are missing: pip install --no-deps --target {AEON} aeon==1.6.0")
    folder = package / "datasets" / "data" / name
    rows, labels = [], []
    for part in ("TRAIN", "TEST"):
        for line in (folder / f"{stem or name}_{part}.ts").read_text().splitlines():
            if line and line[0] not in "#@":
                *channels, label = line.split(":")
                rows.append([[float(value) for value in channel.split(",")] for channel in channels])
                labels.append(label)
    width = min(len(channel) for row in rows for channel in row)
    x = np.array([[channel[:width] for channel in row] for row in rows], np.float32)
    return (x[:, 0] if x.shape[1] == 1 else x), np.unique(labels, return_inverse=True)[1]


def _text() -> tuple[NDArray[Any], NDArray[Any]]:
    import argparse
    import ast
    import shutil
    import tarfile

    x, y = [], []
    for label, module in enumerate((argparse, tarfile, ast, shutil)):
        data = np.frombuffer(Path(str(module.__file__)).read_bytes(), np.uint8).astype(np.int64)
        windows = data[: len(data) // 64 * 64].reshape(-1, 64)[:150]
        x.append(windows)
        y += [label] * len(windows)
    return np.concatenate(x), np.array(y)


def _weak() -> tuple[NDArray[Any], NDArray[Any]]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(1000, 10))
    return x, x[:, 0] + 3.0 * generator.normal(size=1000)  # R2 about 0.1


def _sklearn(load: Callable[..., Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    data = load()
    return data.data, data.target


def _median_split() -> tuple[NDArray[Any], NDArray[Any]]:
    data = sk.load_diabetes(scaled=False)
    return data.data, (data.target > np.median(data.target)).astype(np.int64)


MAKERS: dict[str, tuple[str, bool, Callable[[], tuple[NDArray[Any], NDArray[Any]]]]] = {
    "digits": ("image", False, lambda: (sk.load_digits().images[:, None].astype(np.float32) / 16, sk.load_digits().target)),
    "wine": ("table", False, lambda: _sklearn(sk.load_wine)),
    "breast_cancer": ("table", False, lambda: _sklearn(sk.load_breast_cancer)),
    "iris": ("table", False, lambda: _sklearn(sk.load_iris)),
    "diabetes": ("table", True, lambda: _sklearn(lambda: sk.load_diabetes(scaled=False))),
    "diabetes-median": ("table", False, _median_split),
    "china-flower": ("image", False, lambda: _patches(list(sk.load_sample_images().images))),
    "lfw": ("image", False, _lfw),
    "textures": ("image", False, lambda: _patches(_skimage("brick", "grass", "gravel", "camera"))),
    "photographs": ("image", False, lambda: _patches(_skimage("astronaut", "cat", "coffee", "rocket", "hubble_deep_field"))),
    "GunPoint": ("series", False, lambda: _aeon("GunPoint")),
    "ItalyPowerDemand": ("series", False, lambda: _aeon("ItalyPowerDemand")),
    "ArrowHead": ("series", False, lambda: _aeon("ArrowHead")),
    "BasicMotions": ("series", False, lambda: _aeon("BasicMotions")),
    "JapaneseVowels": ("series", False, lambda: _aeon("JapaneseVowels", "JapaneseVowels_eq")),
    "ACSF1": ("series", False, lambda: _aeon("ACSF1")),
    "OSULeaf": ("series", False, lambda: _aeon("OSULeaf")),
    "text": ("text", False, _text),
    "friedman1": ("table", True, lambda: sk.make_friedman1(1000, random_state=0)),
    "classification": ("table", False, lambda: sk.make_classification(1000, flip_y=0.05, random_state=0)),
    "moons": ("table", False, lambda: sk.make_moons(1000, noise=0.2, random_state=0)),
    "weak-linear": ("table", True, _weak),
}  # fmt: skip
# Thresholds may be looked at on the first half only; the table is of the second.
CALIBRATED = tuple(list(MAKERS)[::2])
REPORTED = tuple(list(MAKERS)[1::2])


@cache
def load(name: str) -> Named:
    kind, regression, make = MAKERS[name]
    x, y = make()
    order = np.random.default_rng(20261125).permutation(len(x))
    x = np.ascontiguousarray(x[order])
    if x.dtype.kind == "f":
        x = x.astype(np.float32)
    return Named(name, x, y[order].astype(np.float64 if regression else np.int64), kind, regression)
