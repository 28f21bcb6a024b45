"""Histograms against NumPy's own, and of values that no histogram can be made of."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from paramedic.measurements.spread import spread
from paramedic.measurements.training.histogram import BINS, WIDTH_IN_STD, histogram, histograms


@pytest.mark.parametrize("values", [
    np.random.default_rng(0).normal(3.0, 0.2, 1024),
    np.random.default_rng(1).standard_cauchy(777).astype(np.float32),
    np.maximum(np.random.default_rng(2).normal(size=(32, 32)), 0.0),
])  # fmt: skip
def test_counts_are_those_of_numpy(values: np.ndarray) -> None:
    found = histogram(values)
    assert found is not None and found.nonfinite == 0
    wide = values.astype(np.float64).reshape(-1)
    assert (found.mean, found.std) == pytest.approx((wide.mean(), wide.std()))
    reach = WIDTH_IN_STD * wide.std()
    assert (found.low, found.high) == pytest.approx((wide.mean() - reach, wide.mean() + reach))
    wanted, _ = np.histogram(np.clip(wide, found.low, found.high), BINS, (found.low, found.high))
    assert np.abs(np.array(found.counts) - wanted).sum() <= 2  # a value on an edge
    assert sum(found.counts) == wide.size


def test_samples_of_all_lengths_and_kinds_have_their_own() -> None:
    samples = [np.arange(9.0), np.zeros(4), np.array([1.0, np.nan, 3.0, np.inf]), np.arange(9.0)[::-1] + 5, np.array([7.0])]
    many = histograms(samples)
    assert many == [histogram(item) for item in samples]
    assert many[1] is not None and many[1].std == 0 and max(many[1].counts) == 4 and many[1].low < 0 < many[1].high
    assert many[2] is not None and many[2].nonfinite == 2 and sum(many[2].counts) == 2
    assert many[4] is None


@given(arrays(np.float32, st.integers(0, 40), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)))
def test_every_finite_value_is_counted_once(values: np.ndarray) -> None:
    found = histogram(values)
    finite = int(np.isfinite(values).sum())
    assert (found is None) == (finite < 2)
    if found is not None:
        assert sum(found.counts) == finite and found.nonfinite == values.size - finite
        assert all(map(math.isfinite, found[:4])) and found.low < found.high


def test_values_too_large_for_a_sum_have_none() -> None:
    assert histogram(np.full(3, 1e308)) is None


def test_a_few_of_many_have_both_ends() -> None:
    assert spread(range(100), 5) == [0, 25, 50, 74, 99]
    assert spread("abc", 5) == ["a", "b", "c"] and spread("abc", 1) == ["c"] and spread("abc", 0) == []
