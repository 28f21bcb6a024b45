"""A plateau scheduler in the wrong mode is found by what it was given; rising validation losses of an overfit are not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from tests.helpers import findings, observe

NAME = "scheduler-watches-wrong-direction"


def train(watched: str, mode: str, noise: float = 0.0, rows: int = 400) -> None:
    """Two classes; noise: share of wrong labels, of which few rows are learned by heart."""
    torch.manual_seed(1)
    inputs = torch.randn(rows + 200, 10)
    labels = (inputs[:, 0] * inputs[:, 1] + inputs[:, 2] > 0).long()
    labels = torch.where(torch.rand(len(labels)) < noise, 1 - labels, labels)
    model = nn.Sequential(nn.Linear(10, 64), nn.Tanh(), nn.Linear(64, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode=mode, factor=0.2, patience=1)
    for _ in range(12):
        model.train()
        for batch in torch.randperm(rows).split(40):
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs[batch]), labels[batch]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            output = model(inputs[rows:])
            loss = functional.cross_entropy(output, labels[rows:]).item()
            accuracy = (output.argmax(1) == labels[rows:]).float().mean().item()
        scheduler.step(loss if watched == "loss" else accuracy)


@pytest.mark.parametrize(("watched", "mode"), [("accuracy", "min"), ("loss", "max")])
def test_progress_that_counts_as_standstill(tmp_path: Path, watched: str, mode: str) -> None:
    [finding] = findings(observe(lambda: train(watched, mode), tmp_path, budget=10.0), NAME)
    assert finding.level == "fault" and finding.proof is not None
    assert finding.proof.after < 0.7 * finding.proof.before
    assert f'mode="{"max" if mode == "min" else "min"}"' in finding.summary


@pytest.mark.parametrize(("watched", "mode", "noise", "rows"), [
    ("accuracy", "max", 0.0, 400), ("loss", "min", 0.0, 400), ("loss", "min", 0.5, 80),
])  # fmt: skip
def test_the_right_mode_and_an_overfit_pass(tmp_path: Path, watched: str, mode: str, noise: float, rows: int) -> None:
    case = observe(lambda: train(watched, mode, noise, rows), tmp_path, budget=10.0)
    assert findings(case, NAME) == []
    assert len(case.setup.watched[0].values) == 12
