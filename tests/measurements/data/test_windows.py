"""Shared windows against a slow comparison of all pairs; split by time, periods and backgrounds are silent."""

import numpy as np
import pytest

from paramedic.measurements.data.windows import SHARED, shared_windows

RNG = np.random.default_rng(0)
SERIES = np.cumsum(RNG.normal(size=(600, 2)), axis=0).astype(np.float32)


def cut(series: np.ndarray, steps: int, stride: int) -> np.ndarray:
    return np.stack([series[start : start + steps] for start in range(0, len(series) - steps + 1, stride)])


def slow(first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    steps, between, some = first.shape[1], 0, 0
    for row in second:
        sides = set()
        for other in first:
            for shift in range(1, int(steps * (1 - SHARED)) + 1):
                if (row[shift:] == other[:-shift]).all():
                    sides.add(1)
                if (row[:-shift] == other[shift:]).all():
                    sides.add(-1)
        between += len(sides) == 2
        some += bool(sides)
    return between, some


@pytest.mark.parametrize("stride", [1, 3, 8, 16])
@pytest.mark.parametrize("channels_first", [False, True])
def test_the_same_as_comparing_all(stride, channels_first):
    windows = cut(SERIES[:250], 32, stride)
    order = np.random.default_rng(stride).permutation(len(windows))
    first, second = windows[order[len(order) // 4 :]], windows[order[: len(order) // 4]]
    expected = slow(first, second)
    if channels_first:
        first, second = first.transpose(0, 2, 1), second.transpose(0, 2, 1)
    found = shared_windows(first, second)
    assert found is not None and (found.between, found.any) == expected and expected[0] > 0
    row, other, shift, shared = found.examples[0]
    one, two = (part if not channels_first else part.T for part in (second[row], first[other]))
    assert (one[max(0, shift) :][:shared] == two[max(0, -shift) :][:shared]).all()


def test_a_split_by_time_has_neighbours_on_one_side():
    windows = cut(SERIES, 32, 1)
    found = shared_windows(windows[:400], windows[400:])
    assert found is not None and found.between == 0 and 0 < found.any < 32


def test_a_period_and_a_background_are_no_shared_steps():
    time = np.arange(40)
    waves = np.stack([np.sin(2 * np.pi * (time + RNG.integers(10)) / 10) for _ in range(200)])
    pulses = np.zeros((200, 40))
    for row in pulses:
        start = RNG.integers(30)
        row[start : start + 8] = np.hanning(8)
    for rows in (waves, pulses):
        found = shared_windows(rows[:150], rows[150:])
        assert found is None or found.between == 0


def test_few_values_are_equal_by_chance():
    coins = RNG.integers(0, 2, size=(500, 12)).astype(np.float32)
    assert shared_windows(coins[:400], coins[400:]) is None
    assert shared_windows(coins[:, :5], coins[:, :5]) is None
