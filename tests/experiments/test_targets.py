"""Targets in units that a network's outputs are far from: proven, and told apart from a low rate; standardized ones pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from paramedic.checks.finding import Finding
from paramedic.experiments.counterfactual import Outcome, Trial
from paramedic.experiments.interventions import LearningRate
from tests.helpers import findings, observe

TARGET, COLUMNS, TERMS = "unstandardized-target", "target-columns-out-of-balance", "loss-components-out-of-balance"
Loss = Callable[[Tensor, Tensor], Tensor]


def train(scale: Tensor, offset: float, loss_of: Loss, make: Callable[..., torch.optim.Optimizer], rate: float) -> None:
    """Eight inputs, a column of smooth functions of them for each scale; 90 steps that are enough where scales are 1."""
    torch.manual_seed(0)
    inputs = torch.randn(360, 8)
    clean = torch.stack([inputs[:, k] - 0.5 * inputs[:, k + 1] * (inputs[:, k] > 0) for k in range(len(scale))], 1)
    values = clean * scale + offset
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, len(scale)))
    optimizer = make(model.parameters(), lr=rate)
    for step in range(90):
        rows = torch.arange(40) + 40 * (step % 9)
        loss = loss_of(model(inputs[rows]), values[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def by_hand(output: Tensor, target: Tensor) -> Tensor:
    return ((target - output) ** 2).mean()


def in_two_terms(output: Tensor, target: Tensor) -> Tensor:
    return functional.mse_loss(output[:, 0], target[:, 0]) + functional.mse_loss(output[:, 1], target[:, 1])


def found(folder: Path, *args: object, budget: float = 8.0) -> list[Finding]:
    case = observe(lambda: train(*args), folder, budget=budget)  # type: ignore[arg-type]
    names = (TARGET, COLUMNS, TERMS, "learning-rate-too-low", "learning-rate-too-high", "custom-loss-wrong-minimum")
    return [item for item in findings(case, *names) if item.level != "note"]


@pytest.mark.parametrize(
    ("scale", "offset", "loss", "make", "rate"),
    [
        (300.0, 5000.0, functional.smooth_l1_loss, torch.optim.Adam, 3e-2),
        (5e-5, 0.0, by_hand, torch.optim.Adam, 3e-2),
    ],
)
def test_a_target_far_from_the_outputs(
    tmp_path: Path, scale: float, offset: float, loss: Loss, make: Callable[..., torch.optim.Optimizer], rate: float
) -> None:
    """Of one column; larger rates are tried as well, and none of the losses is called wrong."""
    [finding] = found(tmp_path, torch.tensor([scale]), offset, loss, make, rate)
    assert finding.check == TARGET and finding.level == "fault" and finding.proof is not None
    assert finding.proof.after < 0.3 < finding.proof.before <= 1.0


def test_a_column_that_is_drowned(tmp_path: Path) -> None:
    """The loss as a whole falls as it should."""
    [finding] = found(tmp_path, torch.tensor([1.0, 200.0]) / 200, 0.0, functional.mse_loss, torch.optim.Adam, 3e-2)
    assert finding.check == COLUMNS and "column 0" in finding.summary


def test_a_term_in_other_units(tmp_path: Path) -> None:
    """Balance is where the terms can fall by as much, and not where their first gradients are alike."""
    finding = found(tmp_path, torch.tensor([1.0, 400.0]), 0.0, in_two_terms, torch.optim.Adam, 1e-2)[0]
    assert finding.check == TERMS and finding.proof is not None and finding.proof.after < 0.3


def test_standardized_columns_pass(tmp_path: Path) -> None:
    assert found(tmp_path, torch.tensor([1.0, 2.0]), 0.3, in_two_terms, torch.optim.Adam, 3e-2) == []


def test_to_have_been_worse_than_knowing_nothing_is_no_gain() -> None:
    far, nothing, known = (Outcome(u, u) for u in (1.5, 1.01, 0.6))
    trial = Trial(LearningRate(0.1), [nothing] * 3, [far] * 3)
    assert trial.gain == 0.0 and not trial.helps()
    trial = Trial(LearningRate(0.1), [known] * 3, [far] * 3)
    assert trial.gain == pytest.approx(0.4) and trial.helps() and trial.before() == 1.0
