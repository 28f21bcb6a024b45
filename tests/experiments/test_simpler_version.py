"""Where a run failed, it is said whether two of its classes, or one term of its loss, would have been learned."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from paramedic.checks.case import Case
from paramedic.diagnosis.examine import examine
from paramedic.experiments.simpler_version import SolvesSimplerVersion
from tests.helpers import observe


def train(labels: torch.Tensor, inputs: torch.Tensor, classes: int) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(inputs.shape[1], 16), nn.ReLU(), nn.Linear(16, classes))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in torch.randperm(len(labels)).repeat(3).split(40):
        loss = nn.functional.cross_entropy(model(inputs[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def half_noise() -> None:
    """Classes 0 and 1 lie apart; classes 2 to 9 are noise."""
    torch.manual_seed(0)
    labels = torch.arange(640) % 4
    labels = torch.where(labels > 1, 2 + torch.randint(0, 8, (640,)), labels)
    inputs = torch.randn(640, 6)
    inputs[:, 0] += 4.0 * (labels == 0) - 4.0 * (labels == 1)
    train(labels, inputs, 10)


def all_noise() -> None:
    torch.manual_seed(0)
    train(torch.randint(0, 4, (640,)), torch.randn(640, 6), 4)


def learned() -> None:
    torch.manual_seed(0)
    labels = torch.arange(640) % 3
    train(labels, 4 * nn.functional.one_hot(labels, 3) + torch.randn(640, 3), 3)


def result(case: Case) -> tuple[str, str, list[str]]:
    found, outcomes, errors = examine(case, checks=[SolvesSimplerVersion])
    assert not errors, errors
    return outcomes[0].status, outcomes[0].why, [item.level for item in found]


def test_two_classes_are_learned_where_all_are_not(tmp_path: Path) -> None:
    assert result(observe(half_noise, tmp_path, budget=60)) == ("found", "", ["note"])


def test_no_version_is_learned(tmp_path: Path) -> None:
    status, why, levels = result(observe(all_noise, tmp_path, budget=60))
    assert (status, levels) == ("passed", []) and "two classes: " in why and "chance to perfect" in why


def test_a_run_that_learned_is_not_asked(tmp_path: Path) -> None:
    assert result(observe(learned, tmp_path, budget=60))[0] == "not-applicable"
