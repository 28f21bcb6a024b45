"""Statistics that are merged from parts are those of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from paramedic.measurements.data import stream
from paramedic.measurements.data.hashing import row_hashes
from paramedic.measurements.data.stream import Distinct, Summary, UniformSample, detection_limit
from paramedic.sources import arrays
from paramedic.sources.arrays import ArrayReader
from paramedic.sources.reader import collect


def _data(rows: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    values = generator.normal(3.0, 2.0, (rows, 4)) * [1.0, 1e3, 1e-3, 1.0]
    values[generator.integers(0, rows, 9), 1] = np.nan
    values[100:140] = values[0]
    values[200, :] = 5.0
    return values, generator.integers(0, 3, rows)


def _summary(values: np.ndarray, labels: np.ndarray, edges: list[int]) -> Summary:
    total = Summary()
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        part = Summary()
        part.add(np.arange(low, high), values[low:high], labels[low:high], row_hashes(values[low:high]))
        total.merge(part)
    return total


def test_parts_merge_to_the_whole() -> None:
    values, labels = _data()
    found = _summary(values, labels, [0, 13, 1200, 1201, 4000, 5000])
    assert found.moments is not None
    np.testing.assert_allclose(found.moments.mean, np.nanmean(values, axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.moments.sd, np.nanstd(values, axis=0), rtol=1e-10)
    np.testing.assert_array_equal(found.moments.low, np.nanmin(values, axis=0))
    np.testing.assert_array_equal(found.moments.high, np.nanmax(values, axis=0))
    assert found.nonfinite == int(np.isnan(values).sum())
    assert found.nonfinite_at == np.flatnonzero(np.isnan(values).any(axis=1)).tolist()
    assert found.constant_at == [200]
    assert found.labels == {k: int((labels == k).sum()) for k in range(3)}
    assert found.distinct.exact and found.distinct.repeated_share == pytest.approx(41 / 5000)


def test_a_bounded_sketch_of_the_different_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "KEPT_KEYS", 2000)
    keys = row_hashes(np.repeat(np.arange(30_000), np.where(np.arange(30_000) % 10 == 0, 2, 1)))
    whole, first, second = Distinct(), Distinct(), Distinct()
    whole.add(keys)
    first.add(keys[:9000])
    second.add(keys[9000:])
    first.merge(second)
    np.testing.assert_array_equal(first.keys, whole.keys)
    np.testing.assert_array_equal(first.counts, whole.counts)
    assert not whole.exact and len(whole.keys) == 2000
    assert whole.rows == pytest.approx(30_000, rel=0.1)  # 4.5 standard errors
    assert whole.repeated_share == pytest.approx(6000 / 33_000, rel=0.25)


def test_the_sample_is_uniform_and_the_same_for_any_parts() -> None:
    positions = np.arange(20_000)
    whole, parts = UniformSample(1000), UniformSample(1000)
    whole.add(positions, value=positions * 2)
    for low in range(0, 20_000, 777):
        part = UniformSample(1000)
        part.add(positions[low : low + 777], value=positions[low : low + 777] * 2)
        parts.merge(part)
    np.testing.assert_array_equal(whole.rows()["position"], parts.rows()["position"])
    np.testing.assert_array_equal(parts.rows()["value"], 2 * parts.rows()["position"])
    assert len(parts.rows()["position"]) == 1000
    counts = np.histogram(whole.rows()["position"], bins=10, range=(0, 20_000))[0]
    assert 60 < counts.min() and counts.max() < 140  # 100 expected, sd 9.5


def test_workers_give_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "PART_CHUNKS", 1)
    values, labels = _data(30_000)
    reader = ArrayReader(values, labels, "a")
    assert len(reader.parts()) > 4
    alone, together = collect(reader), collect(reader, workers=2)
    for name, rows in alone.sample.rows().items():
        np.testing.assert_array_equal(rows, together.sample.rows()[name])
    assert alone.summary.labels == together.summary.labels
    np.testing.assert_array_equal(alone.summary.distinct.keys, together.summary.distinct.keys)
    assert alone.summary.moments is not None and together.summary.moments is not None
    np.testing.assert_allclose(alone.summary.moments.sd, together.summary.moments.sd, rtol=1e-12)


def test_sketched_quantiles() -> None:
    pytest.importorskip("datasketches")
    values, labels = _data()
    values = np.nan_to_num(values)
    found = _summary(values, labels, [0, 1000, 5000]).quantiles([0.25, 0.5, 0.75])
    assert found is not None
    ranks = [[(values[:, k] <= found[k, j]).mean() for j in range(3)] for k in range(4)]
    np.testing.assert_allclose(ranks, np.tile([0.25, 0.5, 0.75], (4, 1)), atol=0.04)  # rank error 1.33 % each


def test_the_detection_limit_is_that_of_the_binomial() -> None:
    assert detection_limit(459) == pytest.approx(0.01, rel=0.01)
    assert 1 - (1 - detection_limit(459)) ** 459 == pytest.approx(0.99)
