"""Statistics of all rows from one pass, in a fixed amount of memory; parts that were read apart can be merged.

References: Chan, Golub and LeVeque 1983 (merging means and variances); Bar-Yossef et al. 2002 (the k smallest hashes
as a sample of the different rows); Karnin, Lang and Liberty 2016 (quantiles, as in the ``datasketches`` library).
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Keys = NDArray[np.uint64]
EXAMPLES = 20  # positions kept of every kind of bad row
WIDEST = 4096  # entries of a row up to which every feature has its own statistics
KEPT_KEYS = 1 << 17  # smallest hashes kept, 1 MiB; below this many different rows the counts are exact
SKETCHED = 256  # features up to which quantiles are sketched
SKETCH_SIZE = 200  # of KLL: rank error 1.33 %
MOST_LABELS = 10_000
CERTAIN = 0.99  # with which a fault of the detection limit is in a sample


def detection_limit(sampled: int, certainty: float = CERTAIN) -> float:
    """Smallest share of faulty rows of which at least one is among ``sampled`` rows with this probability."""
    return 1.0 - math.exp(math.log(1.0 - certainty) / sampled) if sampled else 1.0


@dataclass
class Moments:
    """count, mean and sum of squared deviations of each of d features, with the extremes; non-finite left out."""

    count: Floats
    mean: Floats
    squares: Floats
    low: Floats
    high: Floats

    @staticmethod
    def of(values: Floats) -> Moments:
        good = np.isfinite(values)
        clean = values if good.all() else np.where(good, values, np.nan)
        count = good.sum(axis=0).astype(float)
        if good.all() and len(values):
            mean = clean.mean(axis=0)
            return Moments(count, mean, ((clean - mean) ** 2).sum(axis=0), clean.min(axis=0), clean.max(axis=0))
        filled = np.where(good, values, 0.0)
        mean = filled.sum(axis=0) / np.maximum(count, 1)
        squares = (np.where(good, values - mean, 0.0) ** 2).sum(axis=0)
        low = np.where(good, values, np.inf).min(axis=0, initial=np.inf)
        high = np.where(good, values, -np.inf).max(axis=0, initial=-np.inf)
        return Moments(count, mean, squares, low, high)

    def merge(self, other: Moments) -> Moments:
        count = self.count + other.count
        step = other.mean - self.mean
        share = other.count / np.maximum(count, 1)
        return Moments(
            count,
            self.mean + step * share,
            self.squares + other.squares + step**2 * self.count * share,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
        )

    @property
    def sd(self) -> Floats:
        return np.sqrt(self.squares / np.maximum(self.count, 1))


class Distinct:
    """The KEPT_KEYS smallest different hashes with how often each came: a sample of the different rows.

    Below that many different rows all of them are kept, and the counts are exact.
    """

    def __init__(self) -> None:
        self.bound = 1 << 64  # hashes from here on were let go
        self._keys = np.zeros(0, np.uint64)
        self._counts = np.zeros(0, np.int64)
        self._waiting: list[Keys] = []
        self._merging: list[tuple[Keys, NDArray[np.int64]]] = []
        self._rows_waiting = 0

    @property
    def keys(self) -> Keys:
        """Ascending."""
        self._settle()
        return self._keys

    @property
    def counts(self) -> NDArray[np.int64]:
        self._settle()
        return self._counts

    def add(self, keys: Keys) -> None:
        inside = keys if self.bound == 1 << 64 else keys[keys < np.uint64(self.bound)]
        self._waiting.append(np.array(inside))
        self._rows_waiting += len(inside)
        if self._rows_waiting > KEPT_KEYS // 2:  # sorting is what this costs: do it rarely
            self._settle()

    def merge(self, other: Distinct) -> None:
        self._merging.append((other.keys, other.counts))
        self.bound = min(self.bound, other.bound)
        self._rows_waiting += len(other.keys)
        if self._rows_waiting > KEPT_KEYS // 2:
            self._settle()

    def _settle(self) -> None:
        if self._waiting:
            keys = np.concatenate(self._waiting)
            self._waiting = []
            self._merging.append(np.unique(keys, return_counts=True))
        if self._merging:
            parts, self._merging, self._rows_waiting = self._merging, [], 0
            self._join(np.concatenate([keys for keys, _ in parts]), np.concatenate([counts for _, counts in parts]))

    def _join(self, keys: Keys, counts: NDArray[np.int64]) -> None:
        every = np.concatenate([self._keys, keys])
        weight = np.concatenate([self._counts, counts])
        if self.bound < 1 << 64:
            inside = every < np.uint64(self.bound)
            every, weight = every[inside], weight[inside]
        self._keys, place = np.unique(every, return_inverse=True)
        self._counts = np.bincount(place, weights=weight, minlength=len(self._keys)).astype(np.int64)
        if len(self._keys) > KEPT_KEYS:
            self.bound = int(self._keys[KEPT_KEYS])
            self._keys, self._counts = self._keys[:KEPT_KEYS], self._counts[:KEPT_KEYS]

    @property
    def exact(self) -> bool:
        self._settle()
        return self.bound == 1 << 64

    @property
    def rows(self) -> float:
        """Estimated number of different rows; its relative error is 1 / sqrt(KEPT_KEYS) where it is not exact."""
        return float(len(self.keys)) if self.exact else (len(self.keys) - 1) * 2.0**64 / self.bound

    @property
    def repeated_share(self) -> float:
        """Share of rows that equal another one."""
        return float(self.counts[self.counts > 1].sum() / max(1, self.counts.sum()))


@dataclass
class Summary:
    """Of all rows that were read. The lists of positions are the first EXAMPLES of their kind."""

    rows: int = 0
    width: int = 0
    nonfinite: int = 0
    nonfinite_rows: int = 0
    nonfinite_at: list[int] = field(default_factory=list)
    nonfinite_by_feature: NDArray[np.int64] | None = None
    constant_rows: int = 0
    constant_at: list[int] = field(default_factory=list)
    moments: Moments | None = None
    distinct: Distinct = field(default_factory=Distinct)
    labels: Counter[float] = field(default_factory=Counter)
    sketch: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """For another process: a sketch travels as bytes of its own format."""
        return self.__dict__ | {"sketch": None if self.sketch is None else list(self.sketch.serialize())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.sketch is not None:
            from datasketches import vector_of_kll_floats_sketches

            stored, self.sketch = self.sketch, vector_of_kll_floats_sketches(SKETCH_SIZE, len(self.sketch))
            for feature, data in enumerate(stored):
                self.sketch.deserialize(data, feature)

    def add(self, positions: NDArray[np.int64], inputs: NDArray[Any], target: NDArray[Any] | None, keys: Keys) -> None:
        """A chunk of (n, ...) rows at these positions; target (n,) where there is one number for each row."""
        if not len(inputs):
            return
        flat = inputs.reshape(len(inputs), -1)
        self.rows += len(flat)
        self.width = flat.shape[1]
        self._add_values(positions, flat)
        self.distinct.add(keys)
        if target is not None and target.ndim == 1 and len(self.labels) <= MOST_LABELS:
            values, counts = np.unique(target, return_counts=True)
            self.labels.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))

    def _add_values(self, positions: NDArray[np.int64], flat: NDArray[Any]) -> None:
        if flat.dtype.kind == "f":
            bad = ~np.isfinite(flat)
            if bad.any():
                rows = bad.any(axis=1)
                self.nonfinite += int(bad.sum())
                self.nonfinite_rows += int(rows.sum())
                self.nonfinite_at = _first(self.nonfinite_at, positions[rows])
                self.nonfinite_by_feature = _sum(self.nonfinite_by_feature, bad.sum(axis=0))
        if flat.shape[1] > 1:
            same = (flat == flat[:, :1]).all(axis=1)
            self.constant_rows += int(same.sum())
            self.constant_at = _first(self.constant_at, positions[same])
        if 0 < flat.shape[1] <= WIDEST and flat.dtype.kind in "fuib":
            found = Moments.of(flat.astype(np.float64))
            self.moments = found if self.moments is None else self.moments.merge(found)
            if flat.shape[1] <= SKETCHED:
                self._add_quantiles(flat)

    def _add_quantiles(self, flat: NDArray[Any]) -> None:
        try:
            from datasketches import vector_of_kll_floats_sketches
        except ImportError:  # extra [data]; the sample gives quantiles as well
            return
        if self.sketch is None:
            self.sketch = vector_of_kll_floats_sketches(SKETCH_SIZE, flat.shape[1])
        values = flat.astype(np.float32)
        whole = values if flat.dtype.kind != "f" else values[np.isfinite(values).all(axis=1)]
        if len(whole):
            self.sketch.update(whole)

    def merge(self, other: Summary) -> Summary:
        """Rows of another part; positions stay sorted, so that the order of the parts does not matter."""
        if not other.rows:
            return self
        self.rows += other.rows
        self.width = other.width
        self.nonfinite += other.nonfinite
        self.nonfinite_rows += other.nonfinite_rows
        self.nonfinite_at = _first(self.nonfinite_at, np.array(other.nonfinite_at, np.int64))
        if other.nonfinite_by_feature is not None:
            self.nonfinite_by_feature = _sum(self.nonfinite_by_feature, other.nonfinite_by_feature)
        self.constant_rows += other.constant_rows
        self.constant_at = _first(self.constant_at, np.array(other.constant_at, np.int64))
        if other.moments is not None:
            self.moments = other.moments if self.moments is None else self.moments.merge(other.moments)
        self.distinct.merge(other.distinct)
        self.labels.update(other.labels)
        if other.sketch is not None:
            if self.sketch is None:
                self.sketch = other.sketch
            else:
                self.sketch.merge(other.sketch)
        return self

    def quantiles(self, shares: list[float]) -> Floats | None:
        """(d, len(shares)) quantiles of every feature; None where they were not sketched."""
        return None if self.sketch is None else np.asarray(self.sketch.get_quantiles(shares), np.float64)


def _first(known: list[int], more: NDArray[np.int64]) -> list[int]:
    return sorted({*known, *more.tolist()})[:EXAMPLES] if len(more) else known


def _sum(known: NDArray[np.int64] | None, more: NDArray[np.int64]) -> NDArray[np.int64]:
    return more.copy() if known is None else known + more


class UniformSample:
    """The ``limit`` rows with the smallest keys of their positions: a uniform sample without replacement.

    The key is a fixed scrambling of the position, so that the sample is the same however the rows were cut into parts.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._bound = np.uint64(np.iinfo(np.uint64).max)
        self._order: list[Keys] = []
        self._columns: list[dict[str, NDArray[Any]]] = []
        self._waiting = 0

    def add(self, positions: NDArray[np.int64], **columns: NDArray[Any]) -> None:
        """Rows with the arrays (n, ...) that belong to them; always the same names."""
        order = scrambled(positions)
        inside = order <= self._bound
        if not inside.any():
            return
        columns = {"position": positions, **columns}
        if not inside.all():
            order = order[inside]
            columns = {name: values[inside] for name, values in columns.items()}
        self._take(order, {name: np.array(values) for name, values in columns.items()})

    def merge(self, other: UniformSample) -> None:
        for order, columns in zip(other._order, other._columns, strict=True):
            self._take(order, columns)

    def _take(self, order: Keys, columns: dict[str, NDArray[Any]]) -> None:
        self._order.append(order)
        self._columns.append(columns)
        self._waiting += len(order)
        if self._waiting > 1.5 * self.limit:  # rarely, so that rows are copied once or twice only
            self._cut()

    def _cut(self) -> None:
        if not self._order:
            return
        order = np.concatenate(self._order)
        kept = np.argsort(order, kind="stable")[: self.limit]
        names = self._columns[0]
        self._columns = [{name: np.concatenate([part[name] for part in self._columns])[kept] for name in names}]
        self._order = [order[kept]]
        self._waiting = len(kept)
        if len(kept) == self.limit:
            self._bound = self._order[0][-1]

    def rows(self) -> dict[str, NDArray[Any]]:
        """The kept arrays in ascending order of position; {} where no row came."""
        self._cut()
        if not self._columns:
            return {}
        order = np.argsort(self._columns[0]["position"], kind="stable")
        return {name: values[order] for name, values in self._columns[0].items()}


def scrambled(positions: NDArray[np.int64]) -> Keys:
    """A fixed pseudo-random key for each position (splitmix64, Steele, Lea and Flood 2014)."""
    z = (positions.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
