"""Leaks between the splits of a data set alone: overlapping windows, and means of the target over all rows."""

import numpy as np
import pytest

import paramedic
from tests.measurements.data.test_target_means import table

SERIES = np.cumsum(np.random.default_rng(3).normal(size=1200)).astype(np.float32)


def names(data: object, **options: object) -> dict[str, str]:
    return {item.check: item.level for item in paramedic.audit(data, **options).findings}


@pytest.mark.parametrize("at_random", [True, False])
def test_windows_of_a_series(at_random):
    windows = np.lib.stride_tricks.sliding_window_view(SERIES, 33)[::4]
    order = np.random.default_rng(0).permutation(len(windows)) if at_random else np.arange(len(windows))
    x, y = windows[order, :32].copy(), windows[order, 32].copy()
    found = names({"train": (x[:220], y[:220]), "val": (x[220:], y[220:])}, regression=True)
    assert (found.get("overlapping-windows-across-splits") == "fault") == at_random


@pytest.mark.parametrize(("over", "level"), [("all", "fault"), ("train", None)])
def test_means_of_the_target(over, level):
    x, y, other, other_y = table(5.0, over)
    found = names({"train": (x, y), "val": (other, other_y)}, regression=True)
    assert found.get("target-means-over-all-rows") == level
