"""Mixed rows are taken apart."""

import numpy as np
import pytest

from paramedic.measurements.data.mixtures import mixes_two, mixtures


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("apart", [False, True])
def test_targets_are_those_of_the_two_rows(share, apart):
    generator = np.random.default_rng(0)
    table, labels = generator.normal(size=(300, 20)).astype(np.float32), generator.integers(0, 5, 300)
    first, second, other = generator.integers(0, 300, (3, 80))
    mixed = (np.float32(share) * table[first] + np.float32(1 - share) * table[second]).astype(np.float64)
    soft = share * np.eye(5)[labels[first]] + (1 - share) * np.eye(5)[labels[other if apart else second]]
    chosen = mixes_two(soft)
    found = mixtures(mixed[chosen], soft[chosen], table.astype(np.float64), labels)
    assert found.mixed == chosen.sum() > 50
    assert (found.agreeing == found.mixed) != apart
    assert not apart or found.agreeing < 0.5 * found.mixed


def test_rows_that_are_no_mixtures_are_left_out():
    generator = np.random.default_rng(1)
    soft = np.tile([0.4, 0.6, 0.0], (30, 1))
    assert mixtures(generator.normal(size=(30, 9)), soft, generator.normal(size=(200, 9)), np.zeros(200)).mixed == 0
    assert not mixes_two(np.eye(3)).any() and not mixes_two(np.full((4, 3), 1 / 3)).any()
