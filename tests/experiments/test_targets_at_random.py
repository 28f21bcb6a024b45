"""Copies decide whether targets are random: they learn as little from the pairs as from other targets, or they do not."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from paramedic.checks.data.relation_too_random import RelationTooRandom
from paramedic.checks.finding import Finding
from tests.helpers import findings, observe

DIGITS = load_digits()


def fit(x, y):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(x[:1200], y[:1200]), 40, shuffle=True)
    for _ in range(6):
        for xb, yb in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(xb), yb).backward()
            optimizer.step()
        with torch.no_grad():
            nn.functional.cross_entropy(model(x[1200:]), y[1200:]).item()


def rows(related):
    torch.manual_seed(3)
    x, y = torch.tensor(DIGITS.data / 16).float(), torch.tensor(DIGITS.target)
    order = torch.randperm(len(x))
    return x[order], y[order] if related else torch.randint(0, 10, y.shape)


def test_random_targets_are_proven(tmp_path):
    case = observe(lambda: fit(*rows(False)), tmp_path, budget=60)
    found = findings(case, "relation-too-random", "targets-at-random")
    assert [(item.check, item.level) for item in found] == [("relation-too-random", "fault")]
    proof = found[0].proof
    assert proof is not None and min(proof.before, proof.after) > 0.9 and -proof.interval[0] < 0.1


def test_a_wrong_suspicion_is_taken_back(tmp_path):
    case = observe(lambda: fit(*rows(True)), tmp_path, budget=60)
    case.findings.append(Finding("R05", RelationTooRandom.name, "suspect", "a false doubt"))
    assert findings(case, "targets-at-random") == []
