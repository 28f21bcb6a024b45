"""The list of doubtful labels."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from paramedic.measurements.data.label_noise import confident_learning


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
