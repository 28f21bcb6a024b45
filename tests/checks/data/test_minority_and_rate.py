"""A higher rate with which the loss falls, and rare classes are ignored all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from paramedic.checks.data.minority_class_ignored import still_ignored
from paramedic.experiments.interventions import LearningRate
from tests.helpers import findings, observe


def program(separation: float, lr: float) -> None:
    """Two overlapping normal classes, one row in forty of the second."""
    torch.manual_seed(0)
    y = (torch.arange(800) % 40 == 0).float()
    x = torch.randn(800, 6) + separation * y[:, None]
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    criterion = nn.BCEWithLogitsLoss()
    for _ in range(2):
        for rows in torch.randperm(800).split(40):
            optimizer.zero_grad()
            criterion(model(x[rows]).squeeze(1), y[rows]).backward()
            optimizer.step()


@pytest.mark.parametrize(("separation", "ignored"), [(0.3, True), (4.0, False)])
def test_rare_classes_in_a_copy_with_a_higher_rate(separation: float, ignored: bool, tmp_path: Path) -> None:
    case = observe(lambda: program(separation, 0.02), tmp_path, budget=20.0)
    (finding,) = findings(case, "minority-class-ignored")
    with open(__file__, encoding="utf-8") as source:
        assert "criterion = " in source.read().splitlines()[finding.where.line - 1]  # type: ignore[union-attr]
    higher = LearningRate(30.0)
    assert higher.why_not(case.lab) is None
    assert still_ignored(case, higher, steps=40, thin=1) is ignored


def test_where_no_class_is_rare(tmp_path: Path) -> None:
    def even() -> None:
        torch.manual_seed(0)
        x = torch.randn(200, 4)
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for rows in torch.arange(200).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), (x[rows, 0] > 0).long()).backward()
            optimizer.step()

    case = observe(even, tmp_path, budget=20.0)
    assert still_ignored(case, LearningRate(10.0), steps=10, thin=1) is False


def marked(weight: float) -> None:
    """One pixel in sixty is marked, and hardly differs."""
    torch.manual_seed(0)
    y = (torch.rand(60, 1, 12, 12) < 1 / 60).float()
    x = torch.randn(60, 1, 12, 12) + y
    net = nn.Conv2d(1, 1, 3, padding=1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    criterion = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weight))
    for _ in range(6):
        for rows in torch.randperm(60).split(10):
            optimizer.zero_grad()
            criterion(net(x[rows]), y[rows]).backward()
            optimizer.step()


@pytest.mark.parametrize("weight", [1.0, 60.0])
def test_pixels_of_a_rare_class(weight: float, tmp_path: Path) -> None:
    case = observe(lambda: marked(weight), tmp_path, budget=20.0)
    found = findings(case, "minority-class-ignored")
    assert len(found) == (weight == 1.0)
    if found:
        assert "of 2 classes: class 1 (0 of 158 pixels)" in found[0].summary
        assert still_ignored(case, LearningRate(0.5), steps=20, thin=1)


@pytest.mark.parametrize("turned", [False, True])
def test_weights_the_wrong_way_round(turned: bool, tmp_path: Path) -> None:
    """Three overlapping classes, weighed by their counts; or all alike, where the rare one is ignored by itself."""

    def train() -> None:
        torch.manual_seed(0)
        y = torch.multinomial(torch.tensor([0.8, 0.15, 0.05]), 900, replacement=True)
        x = torch.randn(900, 5) + 0.8 * nn.functional.one_hot(y, 5)
        weight = torch.bincount(y).float()
        weight = 3 * weight / weight.sum() if turned else torch.ones(3)
        model = nn.Linear(5, 3)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        criterion = nn.CrossEntropyLoss(weight=weight)
        for _ in range(3):
            for rows in torch.randperm(900).split(30):
                optimizer.zero_grad()
                criterion(model(x[rows]), y[rows]).backward()
                optimizer.step()

    (finding,) = findings(observe(train, tmp_path, budget=5.0), "minority-class-ignored")
    assert ("times the smallest: divide by the counts" in finding.summary) is turned
    with open(__file__, encoding="utf-8") as source:
        assert "weight=weight" in source.read().splitlines()[finding.where.line - 1]  # type: ignore[union-attr]
