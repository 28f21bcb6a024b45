"""Runs that learned a good part: what costs them a substantial part is a suspect, what does not is none."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from paramedic.experiments.half_learned import is_substantial
from tests.helpers import findings, observe


def tones(dropout: float, noise: float = 0.1, validated: bool = True) -> None:
    """A smooth function of six numbers; training and validation from the same distribution."""
    torch.manual_seed(0)
    x = torch.randn(512, 6)
    y = torch.sin(x[:, :1] + x[:, 1:2]) + 0.5 * x[:, 2:3] + noise * torch.randn(512, 1)
    train, held = torch.utils.data.TensorDataset(x[:384], y[:384]), torch.utils.data.TensorDataset(x[384:], y[384:])
    model = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Dropout(dropout), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(20):
        model.train()
        for a, b in torch.utils.data.DataLoader(train, batch_size=32, shuffle=True):
            loss = nn.functional.mse_loss(model(a), b)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for a, b in torch.utils.data.DataLoader(held, batch_size=64) if validated else ():
                nn.functional.mse_loss(model(a), b)


@pytest.mark.parametrize(
    ("dropout", "noise", "validated", "found"),
    [
        (0.6, 0.1, True, True),
        (0.6, 0.1, False, False),  # nothing to judge a gain by
        (0.1, 0.1, True, False),
        (0.3, 1.0, True, False),  # what is left is noise
    ],
)
def test_regularization_that_costs_a_good_part(
    dropout: float, noise: float, validated: bool, found: bool, tmp_path: Path
) -> None:
    case = observe(lambda: tones(dropout, noise, validated), tmp_path, budget=60.0)
    said = findings(case, "too-much-regularization")
    assert [item.level for item in said] == (["suspect"] if found else [])
    if found:
        assert said[0].proof is not None and said[0].proof.seeds == 3


@pytest.mark.parametrize(
    ("gain", "left", "substantial"), [(0.15, 0.25, True), (0.15, 0.4, False), (0.08, 0.1, False), (math.nan, 0.2, False)]
)
def test_substantial(gain: float, left: float, substantial: bool) -> None:
    assert is_substantial(gain, left) == substantial
