"""Order statistics against slow references and their nulls."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from paramedic.measurements.data.order import (
    are_windows,
    label_mixture,
    single_label_batches,
    succession,
    value_mixture,
)


def test_chance_of_one_class_by_enumeration():
    labels = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    hits = [len({labels[i] for i in rows}) == 1 for rows in itertools.combinations(range(8), 2)]
    found = single_label_batches(labels, [2, 2, 2, 2])
    assert math.isclose(found.expected, 4 * np.mean(hits))


def test_sorted_and_random_labels():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 80)
    ordered = label_mixture(labels, [16] * 20)
    assert ordered.excess > 10 and ordered.p < 0.002
    assert single_label_batches(labels, [16] * 20).single == 20
    p_values = [label_mixture(rng.permutation(labels), [16] * 20, 199, seed).p for seed in range(40)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.15
    excess = [label_mixture(rng.permutation(labels), [16] * 20, 19, seed).excess for seed in range(40)]
    assert abs(np.mean(excess) - 1) < 0.05


def test_sorted_and_random_values():
    rng = np.random.default_rng(1)
    values = np.sort(rng.normal(size=300))
    assert value_mixture(values, [30] * 10).excess > 5
    p_values = [value_mixture(rng.permutation(values), [30] * 10, 199, seed).p for seed in range(40)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.15


def test_one_batch_and_one_class_say_nothing():
    assert label_mixture(np.zeros(40, int), [20, 20]).p == 1.0
    assert label_mixture(np.arange(40) % 2, [40]).p == 1.0
    assert single_label_batches(np.zeros(40, int), [20, 20]).p == 1.0
    assert value_mixture(np.ones(40), [20, 20]).p == 1.0


def test_succession_is_von_neumanns_ratio():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(200, 3))
    steps = sum(float(((a - b) ** 2).sum()) for a, b in itertools.pairwise(features)) / 199
    spread = sum(float(((a - features.mean(0)) ** 2).sum()) for a in features) / 199
    assert math.isclose(succession(features).ratio, steps / (2 * spread))
    p_values = np.array([succession(rng.normal(size=(200, 3))).p for _ in range(200)])
    assert (p_values < 0.05).mean() < 0.11
    walk = np.cumsum(features, axis=0)
    assert succession(walk).p < 1e-6


def test_succession_of_rows_with_more_columns_than_rows():
    rng = np.random.default_rng(4)
    features = rng.normal(size=(30, 50))
    centred = features - features.mean(0)
    covariance = centred.T @ centred / 30
    spread = np.sqrt((covariance**2).sum()) / np.trace(covariance) / np.sqrt(30)
    found = succession(features)
    assert math.isclose(found.p, stats.norm.cdf((found.ratio - 1) / spread))
    assert succession(rng.normal(size=(20, 200_000))).p > 1e-3  # 320 GB as a matrix of the columns


@pytest.mark.parametrize("step", [1, 3])
def test_windows_of_a_series_are_seen(step):
    series = np.random.default_rng(3).normal(size=400)
    windows = np.stack([series[low : low + 12] for low in range(0, 380, step)])
    assert are_windows(windows)
    assert not are_windows(np.random.default_rng(4).normal(size=(100, 12)))
    assert not are_windows(np.zeros((100, 12)))
