"""Relation, shift and label noise on real data."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine

from paramedic.measurements.data.features import principal, random_convolutions, row_features, token_counts
from paramedic.measurements.data.imbalance import half_data, ignored_classes
from paramedic.measurements.data.label_noise import core_error, exact_conflicts
from paramedic.measurements.data.relation import (
    DISCRIMINANT,
    NEARBY,
    bayes_error_bound,
    class_probabilities,
    class_relation,
    label_shift,
    planted_labels,
    value_relation,
)

SETS = {"wine": load_wine, "cancer": load_breast_cancer, "digits": load_digits}


def load(name, rows=300):
    table, labels = SETS[name](return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))[:rows]
    return principal(table[order]), labels[order]


@pytest.mark.parametrize("name", SETS)
def test_real_labels_are_related_and_permuted_ones_are_not(name):
    features, labels = load(name)
    assert class_relation(features, labels).p <= 0.01
    shuffled = np.random.default_rng(1).permutation(labels)
    found = class_relation(features, shuffled)
    assert found.p > 0.01 and found.most < 0.3


def test_regression_targets():
    table, values = load_diabetes(return_X_y=True)
    features = principal(table)
    assert value_relation(features, values).p <= 0.01
    found = value_relation(features, np.random.default_rng(2).permutation(values))
    assert found.p > 0.01 and found.most < 0.25


def test_the_planted_control_is_weak_and_found():
    features, _ = load("cancer", 400)
    labels = planted_labels(features)
    found = class_relation(features, labels)
    assert found.p <= 0.01 and 0.1 < found.skill < 0.6
    assert abs(labels.mean() - 0.5) < 0.15


@pytest.mark.parametrize("shift", [-2, 1, 3])
def test_shifted_labels_are_found_with_their_shift(shift):
    features, labels = load("digits", 400)
    assert label_shift(features, labels.astype(float), True).z < 4
    found = label_shift(features, np.roll(labels, shift).astype(float), True)
    assert found.z > 4 and found.shift == shift


@pytest.mark.parametrize("rate", [0.0, 0.2])
def test_core_error_follows_the_noise(rate):
    table, labels = load_digits(return_X_y=True)
    table, labels = table[:500], labels[:500].copy()
    generator = np.random.default_rng(0)
    wrong = generator.random(500) < rate
    labels[wrong] = (labels[wrong] + generator.integers(1, 10, wrong.sum())) % 10
    features = principal(random_convolutions(torch.tensor(table).reshape(-1, 1, 8, 8)), 128)
    first, second = (class_probabilities(features, labels, probe) for probe in (DISCRIMINANT, NEARBY))
    found = core_error(first, second, (first + second) / 2, labels)
    assert (found.core.least > 0.01) == (rate > 0)
    if rate:
        right = set(found.worst) - set(np.flatnonzero(wrong).tolist())
        assert found.flatness > 0.5
        assert abs(found.core.rate - rate) < 0.1 and len(right) <= len(found.worst) / 10


def test_conflicts_against_a_dictionary():
    generator = np.random.default_rng(0)
    keys, labels = generator.integers(0, 30, 80).astype(np.uint64), generator.integers(0, 3, 80)
    groups = {key: labels[keys == key] for key in np.unique(keys)}
    minority = sum(len(group) - stats.mode(group).count for group in groups.values())
    found = exact_conflicts(keys, labels)
    assert found.minority == minority
    assert found.groups == sum(len(set(group)) > 1 for group in groups.values())


def test_ignored_classes():
    labels = np.array([0] * 80 + [1] * 15 + [2] * 5)
    found = ignored_classes(labels, np.zeros(100, int))
    assert [item[:2] for item in found.classes] == [(2, 5), (1, 15)]
    assert found.p == pytest.approx(3 * 0.5**15) and found.ratio == 16
    assert ignored_classes(labels, labels).classes == ()


def test_half_of_the_rows_cost_something_where_rows_are_few():
    features, labels = load("digits", 160)
    found = half_data(features, labels)
    assert found.half_error > found.error


def test_bayes_bound_of_coin_flips_and_of_separate_classes():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(400, 3))
    assert bayes_error_bound(features, generator.integers(0, 2, 400)) > 0.3
    assert bayes_error_bound(features + 50 * np.arange(400)[:, None] // 200, np.arange(400) // 200) == 0.0


def test_features_of_tokens_images_and_constants():
    tokens = torch.randint(0, 9, (20, 12))
    assert token_counts(tokens).shape == (20, 256) and np.isfinite(row_features(tokens)).all()
    assert (row_features(torch.ones(20, 4)) == 0).all()
    assert row_features(torch.rand(20, 3, 9, 9)).shape[0] == 20


def test_tests_of_relation_together_find_what_each_hardly_sees():
    """Found in most of ten weak relations; of ten unrelated ones in none or one, at p <= 0.05."""
    generator = np.random.default_rng(3)
    weak, none = 0, 0
    for seed in range(10):
        features = generator.normal(size=(120, 6))
        labels = planted_labels(features, 0.4, seed)
        weak += class_relation(features, labels, 99).p <= 0.05
        none += class_relation(features, generator.permutation(labels), 99).p <= 0.05
    assert weak >= 6 and none <= 2
