"""Means of the target over all rows and over training rows are told apart; other columns are neither."""

import numpy as np
import pytest

from paramedic.measurements.data.target_means import target_means


def table(strength, over, seed=0, rows=900, groups=60):
    generator = np.random.default_rng(seed)
    group = generator.integers(0, groups, rows)
    target = generator.normal(size=groups)[group] + generator.normal(size=rows)
    train = np.arange(rows) < 600
    used = np.ones(rows, bool) if over == "all" else train
    counts = np.bincount(group[used], minlength=groups)
    sums = np.bincount(group[used], target[used], minlength=groups)
    means = (sums + strength * target[used].mean()) / (counts + strength)
    x = np.stack([generator.normal(size=rows), means[group], group], axis=1)
    x = ((x - x[train].mean(0)) / x[train].std(0)).astype(np.float32).astype(float)
    y = target.astype(np.float32).astype(float)
    return x[train], y[train], x[~train], y[~train]


@pytest.mark.parametrize("strength", [0.0, 1.0, 5.0, 30.0])
def test_means_over_all_rows(strength):
    found = {item.column: item for item in target_means(*table(strength, "all"))}
    assert found[1].everywhere < 1e-4 and found[1].training > 0.05 and abs(found[1].strength - strength) < 0.1 * strength + 0.1
    assert set(found) == {1}


@pytest.mark.parametrize("strength", [0.0, 5.0])
def test_means_over_training_rows(strength):
    found = {item.column: item for item in target_means(*table(strength, "train"))}
    assert 1 not in found or found[1].training < 1e-4 and found[1].everywhere > 0.05
