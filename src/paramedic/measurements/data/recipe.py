"""Traces that preprocessing leaves in the values: whose mean is zero, which rows have another scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]
_TINY = 1e-300
FEWEST = 3  # rows of a group
LEAST_FEATURES = 4  # of a row, for a median over them
LEAST_WIDTH = 8  # entries of a row from which its standard deviation is a scale
FLOAT32_ERROR = (
    2e-7  # relative rounding error of float32 (half a unit in the last place is 6e-8), with a margin
)


END = 1e-6  # from the end of a range: rounding of float32
LEAST_FREE = 0.2  # of the features with more than two values: those that are not cut off at both ends
MOST_AT_END = 2  # rows at one end of a range that a feature was scaled to: the extreme one, and one that is alike
GRID = 0.01  # of a step
ROW_BY_ROW = 0.5  # of the rows fill the range by themselves
LEAST_SYMMETRIC = 20  # rows
SYMMETRIC = 1e-4  # of the standard deviation: rounding


@dataclass(frozen=True)
class Centring:
    """How near zero the mean of a set of rows is, in standard errors of a random sample.

    by_feature: median over the features of |mean| sqrt(n) / sd; overall: the same for the mean of all values.
    A random sample has a value below e with probability 0.8 e.
    """

    by_feature: float
    overall: float


def centring(values: Floats) -> Centring:
    """Of (n, d) rows; columns that are zero on average by what they are (an hour's sine, +-1) are left out."""
    n = len(values)
    spread = values.std(axis=0)
    used = (spread > 0) & ~_are_symmetric(values, spread)
    if not used.any():
        return Centring(np.inf, np.inf)
    mean = values.mean(axis=0)
    by_feature = float(np.median(np.abs(mean[used]) * np.sqrt(n) / spread[used]))
    row_means = values[:, used].mean(axis=1)
    overall = float(abs(row_means.mean()) * np.sqrt(n) / (row_means.std() + _TINY))
    return Centring(by_feature, overall)


def _are_symmetric(values: Floats, spread: Floats) -> NDArray[np.bool_]:
    """Of each column, whether every value stands against its opposite: so are sines over whole periods; columns that somebody
    has centred are not. Few rows do not tell.
    """
    if len(values) < LEAST_SYMMETRIC:
        return np.zeros(values.shape[1], dtype=bool)
    ordered = np.sort(values, axis=0)
    return np.asarray(np.abs(ordered + ordered[::-1]).max(axis=0) <= SYMMETRIC * spread)


def rows_are_centred(values: Floats) -> bool:
    """Whether every row (n, d) has mean zero of its own: then the mean of any set of rows is zero."""
    scale = values.std(axis=1)
    return bool((np.abs(values.mean(axis=1)) <= 1e-4 * scale + 1e-12).mean() > 0.9)


@dataclass(frozen=True)
class UnitRange:
    """share: of the varying features (or channels) whose minimum is ``low`` and maximum 1; low: 0 or -1."""

    share: float
    low: float


def touches_unit_bounds(values: Floats) -> UnitRange:
    """Of (n, d) rows, whichever of [0, 1] and [-1, 1] more features fill exactly (to float32 rounding).

    Sines fill [-1, 1] by themselves and reach both ends again and again; a scaled feature reaches one of them in one row, or
    in two that are alike. Features that are at both ends of [0, 1] more often do not count: bytes and what was cut off end
    there by themselves; where they are most of those with more than two values, nothing is said of the others.
    """
    ends = _ends(values, 0.0)
    more = (values.max(axis=0) > values.min(axis=0)) & (ends.sum(axis=0) < len(values))
    varying = more & (ends.min(axis=0) <= MOST_AT_END)
    if varying.sum() < max(1.0, LEAST_FREE * more.sum()):
        return UnitRange(0.0, 0.0)
    unit, symmetric = (_ends(values, low).min(axis=0)[varying] for low in (0.0, -1.0))
    scaled = (symmetric > 0) & (symmetric <= MOST_AT_END)
    shares = {0.0: float((unit > 0).mean()), -1.0: float(scaled.mean())}
    return max((UnitRange(share, low) for low, share in shares.items()), key=lambda item: item.share)


def channels_touch_unit_bounds(values: Floats, shape: tuple[int, ...]) -> UnitRange:
    """The same of the channels of (n, d) rows that are series of ``shape`` (steps, channels) or (channels, steps), the longer
    axis being that of steps: over all rows and steps together, of [0, 1].

    A scaler that was fitted to steps leaves one step at either end; windows that overlap hold it at one position each. What
    is 0 or 1 more often was cut off or is of that kind, and a series of which every row fills [0, 1] was scaled row by row.
    """
    if len(shape) != 2 or shape[0] == shape[1]:
        return UnitRange(0.0, 0.0)
    series = values.reshape(len(values), *shape)
    series = series if shape[0] > shape[1] else series.swapaxes(1, 2)
    at_ends = np.stack([np.abs(series - end) <= END for end in (0.0, 1.0)])  # (2, n, steps, channels)
    filled = at_ends.any(axis=2).all(axis=0)  # (n, channels)
    low, high = series.min(axis=(0, 1)), series.max(axis=(0, 1))
    varying = high > low
    if not varying.any():
        return UnitRange(0.0, 0.0)
    hit = (np.abs(low) <= END) & (np.abs(high - 1.0) <= END)
    once = (at_ends.sum(axis=1) <= MOST_AT_END).all(axis=(0, 1)) & (filled.mean(axis=0) < ROW_BY_ROW)
    return UnitRange(float((hit & once)[varying].mean()), 0.0)


def is_grid(values: Floats) -> bool:
    """Whether the different values of (n, d) rows are all equally far apart: counted, not measured."""
    steps = np.diff(np.unique(np.round(values, 7)))
    return len(steps) > 1 and float(np.ptp(steps)) <= GRID * float(steps.max())


def _ends(values: Floats, low: float) -> NDArray[np.int64]:
    """(2, d) how many rows are at the lower and at the upper end of [low, 1]; none of a feature that goes beyond."""
    inside = (values.min(axis=0) >= low - END) & (values.max(axis=0) <= 1.0 + END)
    return np.asarray(np.stack([(np.abs(values - end) <= END).sum(axis=0) for end in (low, 1.0)]) * inside)


def batch_centring(batches: Sequence[Floats]) -> float:
    """Share of (b, d) batches whose mean is zero: by feature, or over all values while the rows differ in mean.

    The per-feature reading needs more than two rows; zero means |mean| sqrt(b) / sd < 1e-3 in the median feature.
    """
    if not batches:
        return 0.0
    hits = 0
    for batch in batches:
        found = centring(batch)
        hits += found.by_feature < 1e-3 or found.overall < 1e-3
    return hits / len(batches)


@dataclass(frozen=True)
class Mixed:
    """Two groups of rows with different scales.

    small: share of the rows in the smaller group; gap: empty interval between them in decades; separation: Ashman's
    D; scales: medians of the two groups (lower first); lower: whether the smaller group is the lower one; rows: some rows
    of the smaller group.
    """

    small: float
    count: int
    gap: float
    separation: float
    scales: tuple[float, float]
    lower: bool
    rows: tuple[int, ...]


def mixed_scales(values: Floats) -> Mixed:
    """Split (n, d) rows at the largest gap in the sorted log10 of their root mean square, of their standard deviation
    or of their typical share of the features' sizes, whichever is wider, with at least 2 % of the rows on either side.

    Reference: Ashman, Bird and Zepf 1994, "Detecting bimodality in astronomical datasets" (D > 2 is separated).
    """
    found = [_split(np.sqrt((values**2).mean(axis=1)))]
    if values.shape[1] >= LEAST_WIDTH:
        found.append(_split(values.std(axis=1)))
    shares = typical_shares(values)
    if shares is not None:
        found.append(_split(shares))
    return max(found, key=lambda item: min(item.gap, item.separation / 8))


def typical_shares(values: Floats) -> Floats | None:
    """(n,) medians over the features of |value| / median |value| of the feature; None where zeros are too many.

    Features of any unit count alike, and what varies in one of them averages out: the natural spread of this is less than
    that of the root mean square, which the largest feature decides.
    """
    size = np.abs(values)
    nonzero = size > 0
    used = nonzero.mean(axis=0) > 0.5
    if used.sum() < LEAST_FEATURES or (nonzero[:, used].sum(axis=1) < LEAST_FEATURES).any():
        return None
    part = np.where(nonzero, size, np.nan)[:, used]
    return np.asarray(10.0 ** np.nanmedian(np.log10(part) - np.nanmedian(np.log10(part), axis=0), axis=1))


def _split(scale: Floats) -> Mixed:
    logs = np.log10(np.maximum(scale, 1e-12))
    order = np.argsort(logs, kind="stable")
    ordered = logs[order]
    least = max(FEWEST, int(np.ceil(0.02 * len(ordered))))
    if len(ordered) < 2 * least:
        return Mixed(0.0, 0, 0.0, 0.0, (0.0, 0.0), False, ())
    gaps = np.diff(ordered)[least - 1 : len(ordered) - least]
    cut = int(np.argmax(gaps)) + least
    low, high = ordered[:cut], ordered[cut:]
    spread = np.sqrt(low.var() + high.var())
    separation = float(np.sqrt(2) * (high.mean() - low.mean()) / (spread + 1e-12))
    lower = cut <= len(ordered) / 2
    smaller = order[:cut] if lower else order[cut:]
    return Mixed(
        len(smaller) / len(ordered),
        len(smaller),
        float(gaps.max()),
        separation,
        (float(10 ** np.median(low)), float(10 ** np.median(high))),
        lower,
        tuple(int(row) for row in np.sort(smaller)[:8]),
    )


@dataclass(frozen=True)
class Ranges:
    """How far features are from mean 0 and standard deviation 1.

    offset: median over features of |mean| / sd; spread: log10 of the ratio of the 97.5 and 2.5 percentiles of the
    standard deviations (measured: no sign of harm to Adam or SGD by itself); rms: root mean square of all values;
    deviation: max(|log10 rms|, log10(1 + offset)), 0 for standardized data. dead: features that are constant.
    low, high: smallest and largest value.
    """

    offset: float
    spread: float
    rms: float
    deviation: float
    dead: int
    low: float
    high: float


def feature_ranges(values: Floats) -> Ranges:
    """Of (n, d) rows."""
    mean, spread = values.mean(axis=0), values.std(axis=0)
    varying = spread > FLOAT32_ERROR * np.abs(values).max(axis=0) + 1e-30
    rms = float(np.sqrt((values**2).mean()))
    low, high = float(values.min()), float(values.max())
    if not varying.any():
        return Ranges(np.inf, 0.0, rms, np.inf, len(mean), low, high)
    offset = float(np.median(np.abs(mean[varying]) / spread[varying]))
    deciles = np.percentile(np.log10(spread[varying]), [2.5, 97.5])
    width = float(deciles[1] - deciles[0])
    deviation = max(abs(np.log10(rms + _TINY)), np.log10(1 + offset))
    return Ranges(offset, width, rms, float(deviation), int((~varying).sum()), low, high)


@dataclass(frozen=True)
class TwoSamples:
    """Classifier two-sample test. auc: of telling validation from training rows, out of fold; p: Mann-Whitney, or van
    Elteren's where rows are compared within their strata.

    feature: the statistic of a row that differs most, with its medians in training and validation; its own auc.
    """

    auc: float
    p: float
    feature: str
    medians: tuple[float, float]
    feature_auc: float


def two_samples(
    train: Floats,
    other: Floats,
    names: Sequence[str],
    seed: int = 0,
    strata: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> TwoSamples:
    """(n, d) and (m, d) statistics of rows. Reference: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests",
    2017.

    strata: a number of each row of both (its class), each with rows in both: other shares of the strata then make no
    difference, neither for the classifier (rows are weighed) nor for the test (van Elteren 1960).
    """
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    values = np.concatenate([train, other])
    side = np.concatenate([np.zeros(len(train), dtype=int), np.ones(len(other), dtype=int)])
    group = np.zeros(len(side), dtype=int) if strata is None else np.concatenate(strata)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    probe = ExtraTreesClassifier(40, min_samples_leaf=2, random_state=seed)
    weight = _equal_weight(side, group)
    score = cross_val_predict(
        probe, values, side, cv=folds, method="predict_proba", params={"sample_weight": weight}
    )[:, 1]
    auc, p = _within(score, side, group)
    single = [_within(column, side, group)[0] for column in values.T]
    strongest = int(np.argmax(np.abs(np.array(single) - 0.5)))
    medians = float(np.median(train[:, strongest])), float(np.median(other[:, strongest]))
    return TwoSamples(auc, p, names[strongest], medians, float(single[strongest]))


def _equal_weight(side: NDArray[np.int64], group: NDArray[np.int64]) -> Floats:
    """Both sides weigh alike within each group, and a group as much as it has rows."""
    weight = np.ones(len(side))
    for number in np.unique(group):
        mine = group == number
        for one in (0, 1):
            rows = mine & (side == one)
            weight[rows] = mine.sum() / max(1, rows.sum())
    return weight


def _within(score: Floats, side: NDArray[np.int64], group: NDArray[np.int64]) -> tuple[float, float]:
    """AUC over pairs of one group, and van Elteren's p (one-sided, without a correction for ties: conservative)."""
    pairs, wins, deviation, variance = 0, 0.0, 0.0, 0.0
    for number in np.unique(group):
        mine = group == number
        first, second = score[mine & (side == 0)], score[mine & (side == 1)]
        n, m = len(first), len(second)
        if not n or not m:
            continue
        ranks = stats.rankdata(np.concatenate([first, second]))
        u = float(ranks[n:].sum()) - m * (m + 1) / 2
        pairs, wins = pairs + n * m, wins + u
        deviation += (u - n * m / 2) / (n + m + 1)
        variance += n * m / 12 / (n + m + 1)
    if not pairs:
        return 0.5, 1.0
    return wins / pairs, float(stats.norm.sf(deviation / np.sqrt(variance)))


def row_statistics(values: Floats, shape: tuple[int, ...]) -> tuple[Floats, list[str]]:
    """(n, k) statistics of (n, d) rows of ``shape``, with their names: moments, quantiles, roughness, channels."""
    columns: dict[str, Floats] = {
        "mean": values.mean(axis=1),
        "standard deviation": values.std(axis=1),
        "minimum": values.min(axis=1),
        "maximum": values.max(axis=1),
        "median": np.median(values, axis=1),
        "lower quartile": np.quantile(values, 0.25, axis=1),
        "upper quartile": np.quantile(values, 0.75, axis=1),
    }
    shaped = values.reshape(len(values), *shape)
    for axis in range(1, shaped.ndim):
        if shaped.shape[axis] > 2:
            steps = (np.diff(shaped, axis=axis) ** 2).reshape(len(values), -1).mean(axis=1)
            columns[f"mean squared step along axis {axis}"] = steps / (2 * values.var(axis=1) + _TINY)
    if len(shape) == 3 and shape[0] in (2, 3, 4):
        for channel in range(shape[0]):
            columns[f"mean of channel {channel}"] = shaped[:, channel].mean(axis=(1, 2))
    if values.shape[1] <= 60:
        columns |= {f"feature {column}": values[:, column] for column in range(values.shape[1])}
    return np.nan_to_num(np.stack(list(columns.values()), axis=1), posinf=1e30, neginf=-1e30), list(columns)
