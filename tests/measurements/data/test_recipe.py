"""Traces of preprocessing on real tables."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_wine
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from paramedic.measurements.data.recipe import (
    batch_centring,
    centring,
    channels_touch_unit_bounds,
    feature_ranges,
    is_grid,
    mixed_scales,
    row_statistics,
    rows_are_centred,
    touches_unit_bounds,
    two_samples,
    typical_shares,
)

TABLES = {"wine": load_wine().data, "cancer": load_breast_cancer().data, "digits": load_digits().data[:600]}


def split(table, seed):
    order = np.random.default_rng(seed).permutation(len(table))
    cut = int(0.7 * len(table))
    return table[order[:cut]], table[order[cut:]]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("seed", range(3))
def test_leaks_are_exact_zeros_and_honest_splits_are_not(name, seed):
    train, other = split(TABLES[name], seed)
    both = StandardScaler().fit(TABLES[name])
    union = np.concatenate([both.transform(train), both.transform(other)]).astype(np.float32).astype(float)
    assert centring(union).by_feature < 1e-4 < 1e-2 < centring(both.transform(train)).by_feature
    own = StandardScaler().fit(train)
    assert centring(own.transform(train)).by_feature < 1e-4 < centring(own.transform(other)).by_feature
    raw = np.concatenate([train, other])
    assert min(centring(raw).by_feature, centring(raw).overall) > 1e-4
    scaled = MinMaxScaler().fit(train)
    assert touches_unit_bounds(scaled.transform(train)).share > 0.95 > touches_unit_bounds(scaled.transform(other)).share


def test_rows_centred_on_their_own():
    values = np.random.default_rng(0).normal(3, 1, (50, 20))
    assert not rows_are_centred(values)
    assert rows_are_centred(values - values.mean(axis=1, keepdims=True))


def test_batches_centred_on_their_own():
    rng = np.random.default_rng(0)
    batches = [rng.normal(size=(16, 5)) for _ in range(40)]
    assert batch_centring(batches) < 0.1
    assert batch_centring([batch - batch.mean(axis=0) for batch in batches]) == 1.0
    assert batch_centring([batch - batch.mean() for batch in batches]) == 1.0


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("share", [0.03, 0.1, 0.5])
def test_rows_of_another_scale(name, share):
    table = StandardScaler().fit_transform(TABLES[name])
    assert not (mixed_scales(table).gap > 0.5 and mixed_scales(table).separation > 4)
    changed = table.copy()
    rows = np.random.default_rng(0).permutation(len(table))[: max(6, int(share * len(table)))]
    changed[rows] *= 255
    found = mixed_scales(changed)
    assert found.gap > 0.5 and found.separation > 4 and found.count == min(len(rows), len(table) - len(rows))


def test_ranges():
    rng = np.random.default_rng(0)
    assert feature_ranges(rng.normal(size=(500, 6))).deviation < 0.1
    assert feature_ranges(rng.normal(size=(500, 6)) + 100).deviation > 1.5
    assert feature_ranges(rng.normal(size=(500, 6)) * 1e-3).deviation > 2
    constant = np.concatenate([rng.normal(size=(50, 3)), np.full((50, 2), 0.1)], axis=1)
    assert feature_ranges(constant).dead == 2


def test_two_samples_tell_recipes_apart_and_not_halves():
    hits = 0
    for seed in range(6):
        train, other = split(TABLES["digits"], seed)
        own, names = row_statistics(train, (64,))
        found = two_samples(own, row_statistics(other, (64,))[0], names, seed)
        hits += found.p < 1e-3 and found.auc > 0.65
    assert hits == 0
    brighter = two_samples(own, row_statistics(other * 1.5, (64,))[0], names)
    assert brighter.p < 1e-3 and brighter.auc > 0.65


@pytest.mark.parametrize(("factor", "alarm"), [(1.0, False), (1.5, True)])
def test_other_shares_of_the_classes_are_no_other_recipe(factor, alarm):
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(1).permutation(len(x))
    x, y = x[order], y[order]
    train = np.r_[np.flatnonzero(y[:900] < 3), np.flatnonzero(y[:900] >= 3)[:60]]
    other = np.r_[900 + np.flatnonzero(y[900:] < 3)[:30], 900 + np.flatnonzero(y[900:] >= 3)[:250]]
    own, names = row_statistics(x[train], (64,))
    theirs = row_statistics(x[other] * factor, (64,))[0]
    found = two_samples(own, theirs, names, strata=(y[train], y[other]))
    assert (found.p < 1e-4 and found.auc > 0.65) == alarm
    if not alarm:
        assert two_samples(own, theirs, names).p < 1e-4  # without the classes it would be one


def test_rows_times_ten_are_apart_by_what_is_typical_of_each_feature():
    """The largest feature decides the root mean square and varies by itself; the others tell."""
    generator = np.random.default_rng(0)
    rows = np.exp(generator.normal(size=(300, 12)) * 0.3)
    rows[:, 0] *= 1000 * np.exp(generator.normal(size=300))
    healthy = mixed_scales(rows)
    assert healthy.gap < 0.5
    rows[:9] *= 10
    found = mixed_scales(rows)
    assert found.count == 9 and found.gap > 0.5 and set(found.rows) <= set(range(9))
    assert typical_shares(np.zeros((50, 6))) is None


def test_the_smaller_group_is_below_or_above():
    rows = np.random.default_rng(0).uniform(1, 2, size=(100, 12))
    assert mixed_scales(np.concatenate([rows[:4] / 30, rows[4:]])).lower
    assert not mixed_scales(np.concatenate([rows[:4] * 30, rows[4:]])).lower


@pytest.mark.parametrize("low", [0, -1])
def test_ends_of_a_range_over_both_splits_alone(low):
    train, other = split(TABLES["cancer"], 0)
    scaler = MinMaxScaler((low, 1)).fit(np.concatenate([train, other]))
    parts = (np.concatenate([train, other]), train, other)
    both, mine, theirs = (touches_unit_bounds(scaler.transform(part)) for part in parts)
    assert (both.share, both.low) == (1.0, low)
    assert max(mine.share, theirs.share) < 0.8


def test_sines_fill_their_range_by_themselves():
    angle = np.arange(0, 40 * np.pi, np.pi / 24)
    assert touches_unit_bounds(np.stack([np.sin(angle), np.cos(angle)], axis=1)).share == 0.0


def walk_windows(channels=2, steps=12, n=600):
    rng = np.random.default_rng(0)
    series = np.cumsum(rng.normal(size=(n, channels)), axis=0)
    return series, np.stack([series[start : start + steps] for start in range(n - steps)])


def test_bytes_end_at_their_bounds_by_themselves() -> None:
    """Pictures that were cut off at black and white; with them columns of yes and no, and one that a scaler left."""
    generator = np.random.default_rng(0)
    cut = np.clip(generator.normal(0.5, 0.4, size=(300, 20)), 0, 1)
    assert touches_unit_bounds(cut).share == 0.0
    flags = (generator.random((300, 20)) < 0.5).astype(float)
    numbers = generator.normal(size=(300, 3))
    scaled = (numbers - numbers.min(axis=0)) / np.ptp(numbers, axis=0)
    assert touches_unit_bounds(np.concatenate([flags, scaled], axis=1)).share == 1.0
    assert touches_unit_bounds(np.concatenate([flags, scaled * 0.9], axis=1)).share == 0.0


def test_channels_of_a_series_are_scaled_over_rows_and_steps():
    series, windows = walk_windows()
    scaler = MinMaxScaler().fit(series[:588])
    scaled = scaler.transform(windows.reshape(-1, 2)).reshape(windows.shape)
    assert channels_touch_unit_bounds(scaled.reshape(len(scaled), -1), (12, 2)).share == 1.0
    turned = scaled.swapaxes(1, 2)
    assert channels_touch_unit_bounds(turned.reshape(len(turned), -1), (2, 12)).share == 1.0
    assert channels_touch_unit_bounds(scaled[:200].reshape(200, -1), (12, 2)).share < 1.0


@pytest.mark.parametrize("what", ["cut off", "row by row"])
def test_channels_that_fill_their_range_without_a_scaler(what):
    _, windows = walk_windows(1)
    flat = windows[:, :, 0]
    if what == "cut off":
        flat = np.clip((flat - np.quantile(flat, 0.1)) / np.ptp(flat), 0, 0.5) * 2
    else:
        flat = (flat - flat.min(1, keepdims=True)) / np.ptp(flat, axis=1)[:, None]
    assert flat.min() == 0.0
    assert flat.max() == 1.0
    assert channels_touch_unit_bounds(flat, (12, 1)).share == 0.0


def test_grids():
    assert is_grid(np.linspace(0, 1, 101)[:, None])
    assert not is_grid(np.random.default_rng(0).random((100, 1)))
