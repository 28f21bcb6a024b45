"""Copies without the doubted rows decide: wrong labels do harm, overlapping classes do not, whoever doubts them."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from paramedic.checks.check import Passed
from paramedic.checks.data.noisy_labels import NoisyLabels
from paramedic.checks.finding import Finding
from paramedic.experiments.wrong_labels_harm import WithoutRows, WrongLabelsHarm
from paramedic.measurements.data.hashing import row_hashes
from tests.helpers import findings, observe

DIGITS = load_digits()
ORDER = np.random.default_rng(1).permutation(len(DIGITS.data))


def fit(x, y, x_val, y_val, classes):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(x.shape[1], 64), nn.ReLU(), nn.Linear(64, classes))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(TensorDataset(x, y), 32, shuffle=True)
    for _ in range(10):
        for xb, yb in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(xb), yb).backward()
            optimizer.step()
        with torch.no_grad():
            nn.functional.cross_entropy(model(x_val), y_val).item()


def digits(noise):
    x = torch.tensor(DIGITS.data[ORDER] / 16).float()
    y = torch.tensor(DIGITS.target[ORDER])
    wrong = np.random.default_rng(2).random(900) < noise
    y[:900][torch.from_numpy(wrong)] = (y[:900][torch.from_numpy(wrong)] + 3) % 10
    return x[:900], y[:900], x[900:], y[900:], 10


def overlap():
    generator = np.random.default_rng(0)
    y = generator.integers(0, 3, 1200)
    x = generator.normal(size=(1200, 6)) + 1.1 * np.eye(3, 6)[y]
    x, y = torch.tensor(x).float(), torch.tensor(y)
    return x[:800], y[:800], x[800:], y[800:], 3


def test_wrong_labels_are_proven(tmp_path):
    case = observe(lambda: fit(*digits(0.15)), tmp_path, budget=60)
    found = findings(case, "noisy-labels", "wrong-labels-harm")
    assert [(item.check, item.level) for item in found] == [("noisy-labels", "fault")]
    proof = found[0].proof
    assert proof is not None and proof.after < proof.before - 0.05 and proof.interval[1] < 0
    assert found[0].extra["samples"][1]


@pytest.mark.parametrize("program", [overlap, lambda: digits(0.0)])
def test_doubts_about_right_labels_are_not_confirmed(program, tmp_path):
    case = observe(lambda: fit(*program()), tmp_path, budget=60)
    case.findings.append(Finding("R06", NoisyLabels.name, "suspect", "a false doubt"))
    with pytest.raises(Passed):
        list(WrongLabelsHarm().examine(case))


def test_rows_are_replaced_by_others_of_their_batch(tmp_path):
    from paramedic.checks.data.samples import batches

    case = observe(lambda: fit(*digits(0.1)), tmp_path)
    recorded = batches(case)
    out = row_hashes(recorded[0].inputs[:5])
    change = WithoutRows(recorded, out, "doubted")
    replaced = change.tape_options(recorded[0].tape)["replace"]
    inputs = next(value for value in replaced.values() if value.shape == recorded[0].inputs.shape)
    assert not np.isin(row_hashes(inputs), out).any() and len(inputs) == 32
    labels = next(value for value in replaced.values() if value.dim() == 1)
    kept = dict(zip(row_hashes(recorded[0].inputs).tolist(), recorded[0].target.tolist(), strict=True))
    assert [kept[key] for key in row_hashes(inputs).tolist()] == labels.tolist()


def test_a_doubt_is_taken_back_where_copies_confirm_the_labels(tmp_path, monkeypatch):
    """Rows of which nothing is wrong but that they are doubted: copies that have not met them know their labels."""
    from paramedic.experiments import wrong_labels_harm

    case = observe(lambda: fit(*digits(0.0)), tmp_path, budget=60)
    known = wrong_labels_harm._doubted(case)
    some = np.random.default_rng(0).random(len(known[1])) < 0.1
    monkeypatch.setattr(wrong_labels_harm, "_doubted", lambda case: (*known[:3], some))
    case.findings.append(Finding("R06", NoisyLabels.name, "suspect", "a false doubt"))
    assert findings(case, "wrong-labels-harm") == []
