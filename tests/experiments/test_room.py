"""Looking into a step keeps all of its results: of a large model only as much as there is room for."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from paramedic.checks.case import Case
from paramedic.checks.registry import check_classes
from paramedic.diagnosis.examine import examine
from paramedic.experiments import lab as lab_module
from tests.helpers import findings, observe


def _probabilities() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x = torch.randn(256, 10)
    y = x[:, :3].argmax(1)
    for step in range(24):
        rows = slice(32 * (step % 8), 32 * (step % 8) + 32)
        optimizer.zero_grad()
        F.cross_entropy(torch.softmax(model(x[rows]), 1), y[rows]).backward()
        optimizer.step()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return observe(_probabilities, tmp_path, budget=5)


def test_without_room_nothing_is_looked_into_and_nothing_fails(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_module, "free_bytes", lambda device: 1000.0)
    found, outcomes, errors = examine(case, checks=check_classes())
    assert errors == {} and [item for item in found if item.level == "fault"] == []
    assert sum("no room to look into a step" in outcome.why for outcome in outcomes) > 10


def test_forgotten_results_are_made_again(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_module, "LOGS_BYTES", 1)
    monkeypatch.setattr(lab_module, "LOGS_SHARE", 0.0)
    (fault,) = [item for item in findings(case) if item.level == "fault"]
    assert fault.check == "softmax-before-cross-entropy" and fault.proof is not None
    kept = [key for key in case.lab._cache if isinstance(key, tuple) and key[0] == "operations"]
    assert len(kept) == 2 and ("operations", 0, "initial") in kept
