"""Near copies across splits."""

from __future__ import annotations

import numpy as np
import pytest

from paramedic.measurements.data.splits import dimension, near_copies


@pytest.mark.parametrize("width", [3, 8])
def test_dimension_of_a_cube_in_more_columns(width: int) -> None:
    from sklearn.neighbors import NearestNeighbors

    generator = np.random.default_rng(0)
    rows = generator.normal(size=(400, width)) @ generator.normal(size=(width, 40))
    distances = NearestNeighbors(n_neighbors=12).fit(rows).kneighbors(rows)[0][:, 1:]
    assert width / 2 < dimension(distances) < 1.3 * width


def test_near_copies_are_told_from_dense_places() -> None:
    """Half of the rows lie a hundred times as dense as the others: near to each other, but no copies."""
    generator = np.random.default_rng(0)
    scale = np.where(generator.random(500) < 0.5, 0.01, 1.0)[:, None]
    rows = scale * generator.normal(size=(500, 8))
    first, second = rows[:300], rows[300:400].copy()
    healthy = near_copies(first, second)
    assert healthy.p > 1e-3
    copied = [4, 17, 30]
    second[copied] = first[[1, 2, 3]] + 1e-4 * scale[[1, 2, 3]] * generator.normal(size=(3, 8))
    found = near_copies(first, second)
    assert found.p < 1e-4 and set(found.rows) >= set(copied)


def test_rows_that_are_repeated_in_the_first_set() -> None:
    generator = np.random.default_rng(1)
    first = np.repeat(generator.normal(size=(60, 5)), 2, axis=0)
    assert near_copies(first, generator.normal(size=(50, 5))).p > 1e-3
