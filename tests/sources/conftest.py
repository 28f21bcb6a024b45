"""Real data of scikit-learn as a CSV file and as a folder of pictures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits


def write_csv(path: Path, rows: list[list[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def cells() -> list[list[object]]:
    """breast_cancer with ten of its columns: a header, and 569 rows in random order."""
    data = load_breast_cancer()
    order = np.random.default_rng(0).permutation(len(data.data))
    names = [str(name) for name in data.feature_names[:10]]
    rows = [[*data.data[row, :10], data.target_names[data.target[row]]] for row in order]
    return [[*names, "diagnosis"], *rows]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """300 digits as PNG files, one folder for each class."""
    folder = tmp_path / "digits"
    data = load_digits()
    for number in range(300):
        path = folder / str(data.target[number]) / f"{number:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((data.images[number] * 15.9).astype(np.uint8)).save(path)
    return folder
