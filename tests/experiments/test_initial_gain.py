"""Hand-made weights whose gain makes a signal fade or blow up on its way through many layers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from paramedic.diagnosis.replay import replay_experiment
from paramedic.experiments.interventions import PreservedVariance, StandardInitialization
from tests.experiments.programs import train
from tests.helpers import findings, observe


def deep(gain: float | None, activation: type[nn.Module] = nn.Tanh, norm: bool = False) -> nn.Module:
    layers: list[nn.Module] = []
    for number in range(12):
        layer = nn.Linear(10 if number == 0 else 32, 32)
        if gain is not None:
            nn.init.orthogonal_(layer.weight, gain)
        layers += [layer, *([nn.LayerNorm(32)] if norm else []), activation()]
    return nn.Sequential(*layers, nn.Linear(32, 3))


def test_a_gain_that_is_wrong_in_every_layer(tmp_path: Path) -> None:
    case = observe(lambda: train(make=lambda: deep(0.4)), tmp_path, budget=60)
    (found,) = findings(case, "badly-scaled-initialization")
    assert "gain of 1" in found.summary and "now 0.4" in found.summary and found.proof is not None
    assert found.proof.before - found.proof.after > 0.4 and found.proof.experiment == "preserved-variance"
    again = replay_experiment(case, "preserved-variance", steps=60)
    assert "problem" not in again and again["after"] < again["before"]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: deep(1.0), "keep the scale"),
        (lambda: deep(math.sqrt(2), nn.ReLU), "keep the scale"),
        (lambda: deep(None, nn.ReLU), "PyTorch's own"),
        (lambda: deep(0.4, nn.Tanh, norm=True), "normalization"),
        (lambda: nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 3)), "no hidden layers"),
    ],
)
def test_what_it_is_not_tried_on(make: object, why: str, tmp_path: Path) -> None:
    case = observe(lambda: train(make=make, epochs=1), tmp_path, budget=60)  # type: ignore[arg-type]
    assert why in (PreservedVariance().why_not(case.lab) or "")


class WithDeviation(nn.Module):
    """A logarithm of a deviation that begins at zero is a parameter of its own, and no matrix to be drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.scale = nn.Linear(10, 3), nn.Parameter(torch.zeros(1, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.body(x) * self.scale.exp()


def test_a_row_of_zeros_stays(tmp_path: Path) -> None:
    case = observe(lambda: train(make=WithDeviation, epochs=1), tmp_path, budget=60)
    assert StandardInitialization().why_not(case.lab) is not None
