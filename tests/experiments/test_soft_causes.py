"""Each soft cause is named by its own check, and a run that learned is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from paramedic.experiments.counterfactual import assess, diagnosis
from paramedic.experiments.interventions import LearningRate
from tests.experiments.programs import train
from tests.helpers import findings, observe

BUDGET = 60.0


def deep() -> nn.Module:
    layers = [layer for _ in range(3) for layer in (nn.Linear(16, 16), nn.ReLU())]
    return nn.Sequential(nn.Linear(10, 16), nn.ReLU(), *layers, nn.Linear(16, 3))


def tiny(model: nn.Module) -> None:
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=1e-4)


CAUSES = {
    "learning-rate-too-high": {"rate": 300.0},
    "learning-rate-too-low": {"rate": 1e-5},
    "unstandardized-input": {"scale": 50.0, "offset": 3000.0},
    "too-much-regularization": {"decay": 5.0},
    "badly-scaled-initialization": {"make": deep, "edit": tiny},
    "too-few-updates": {"batch": 480, "epochs": 2},
}


@pytest.mark.parametrize("name", CAUSES)
def test_the_cause_is_named(name: str, tmp_path: Path) -> None:
    case = observe(lambda: train(**CAUSES[name]), tmp_path, budget=BUDGET)
    found = findings(case, *CAUSES)
    assert [item.check for item in found] == [name]
    proof = found[0].proof
    assert proof is not None and proof.seeds == 3 and proof.after < proof.before - 0.2 and proof.interval[1] < 0


def test_a_rate_that_is_many_decades_too_low(tmp_path: Path) -> None:
    """Higher than the ladder reaches: each of its rates moves the network further, and none of them far enough."""
    case = observe(lambda: train(rate=1e-7), tmp_path, budget=BUDGET)
    (finding,) = findings(case, "learning-rate-too-low")
    trials = diagnosis(case).trials
    assert max(trial.remedy.factor for trial in trials if isinstance(trial.remedy, LearningRate)) > 1e3
    assert finding.proof is not None and finding.proof.after < 0.5


@pytest.mark.parametrize("settings", [{}, {"make": lambda: nn.Linear(10, 3)}, {"rate": 1.0}, {"decay": 1e-3}])
def test_a_run_that_learned_is_left_alone(settings: dict, tmp_path: Path) -> None:
    case = observe(lambda: train(**settings), tmp_path, budget=BUDGET)
    assert assess(case).ended.train < 0.2
    assert findings(case, *CAUSES) == []
    assert diagnosis(case).trials == []  # nothing was tried: nothing was spent


def test_the_program_is_left_as_it_was(tmp_path: Path) -> None:
    models: list[nn.Module] = []
    case = observe(lambda: models.append(train(rate=1e-5)), tmp_path, budget=BUDGET)
    before = [item.detach().clone() for item in models[0].parameters()]
    hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in models[0].modules()]
    diagnosis(case)
    assert all(torch.equal(a, b) for a, b in zip(before, models[0].parameters(), strict=True))
    assert hooks == [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in models[0].modules()]
