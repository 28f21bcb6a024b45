"""The list of doubtful labels."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from paramedic.measurements.data.label_noise import confident_learning, excess


def _flipped() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of 0.9 for the true one of three classes; rows 5, 50 and 95 carry another label."""
    true = np.arange(120) % 3
    probabilities = np.full((120, 3), 0.05)
    probabilities[np.arange(120), true] = 0.9
    probabilities[95] = [0.01, 0.01, 0.98]
    labels = true.copy()
    for row in (5, 50, 95):
        labels[row] = (labels[row] + 1) % 3
    return probabilities, labels


def test_flipped_labels_are_listed_the_least_likely_first() -> None:
    pytest.importorskip("cleanlab")
    found = confident_learning(*_flipped())
    assert found is not None and found[0] == 95 and set(found) == {5, 50, 95}


def test_without_the_extra_there_is_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    assert confident_learning(*_flipped()) is None


def test_excess_of_contradicted_labels_class_by_class():
    rng = np.random.default_rng(0)
    truth, other = rng.integers(0, 3, 600), rng.integers(0, 3, 200)
    flipped = np.where(rng.random(600) < 0.4, (truth + rng.integers(1, 3, 600)) % 3, truth)
    answers = np.where(rng.random(200) < 0.1, (other + 1) % 3, other)
    found = excess(flipped, truth, other, answers)
    assert found is not None
    assert found.z > 5
    assert found.share == pytest.approx(0.37, abs=0.1)
    assert 0.1 < found.least < found.share
    honest = excess(truth, np.where(rng.random(600) < 0.1, (truth + 1) % 3, truth), other, answers)
    assert honest is not None
    assert honest.z < 3.1


def test_other_shares_of_the_classes_are_no_excess():
    """A balanced training set, and validation rows nearly all of the class that is easy."""
    rng = np.random.default_rng(1)

    def answers(labels):
        wrong = rng.random(len(labels)) < np.where(labels == 0, 0.02, 0.4)
        return np.where(wrong, 1 - labels, labels)

    train, other = np.repeat([0, 1], 400), np.repeat([0, 1], [380, 20])
    found = excess(train, answers(train), other, answers(other))
    assert found is not None
    assert found.z < 3.1
