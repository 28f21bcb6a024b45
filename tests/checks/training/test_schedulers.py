"""Row 36: schedules that are stepped too often or end too early, and those that are meant so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import lr_scheduler as schedulers
from torch.utils.data import DataLoader, TensorDataset

from tests.helpers import findings, observe

CHECKS = ("scheduler-stepped-per-batch", "scheduler-drives-rate-to-zero", "scheduler-never-stepped")
EPOCHS, BATCHES = 8, 12


def data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20 * BATCHES, 6, generator=generator)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def fit(
    make: Callable[[Any], Any], *, per_batch: bool = False, stepped: bool = True, by_hand: bool = False, lr: float = 0.3
) -> None:
    torch.manual_seed(0)
    x, y = data()
    model = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    scheduler = make(optimizer)
    loader = DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True)
    for _ in range(EPOCHS):
        batches = [(x[rows], y[rows]) for rows in torch.randperm(len(x)).split(20)] if by_hand else loader
        for inputs, target in batches:
            optimizer.zero_grad()
            F.cross_entropy(model(inputs), target).backward()
            optimizer.step()
            if stepped and per_batch:
                scheduler.step()
        if stepped and not per_batch:
            scheduler.step()


def found(program: Callable[[], None], folder: Path, budget: float = 0.0) -> list[str]:
    return [item.check for item in findings(observe(program, folder, budget=budget), *CHECKS)]


PER_EPOCH = [
    lambda optimizer: schedulers.StepLR(optimizer, 3),
    lambda optimizer: schedulers.MultiStepLR(optimizer, [4, 6]),
    lambda optimizer: schedulers.ExponentialLR(optimizer, 0.8),
    lambda optimizer: schedulers.CosineAnnealingLR(optimizer, EPOCHS),
    lambda optimizer: schedulers.PolynomialLR(optimizer, EPOCHS),
]
PER_BATCH = [
    lambda optimizer: schedulers.OneCycleLR(optimizer, 0.5, total_steps=EPOCHS * BATCHES),
    lambda optimizer: schedulers.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / 10)),
    lambda optimizer: schedulers.CosineAnnealingLR(optimizer, EPOCHS * BATCHES),
    lambda optimizer: schedulers.StepLR(optimizer, 3 * BATCHES),
    lambda optimizer: schedulers.ExponentialLR(optimizer, 0.99),
    lambda optimizer: schedulers.LinearLR(optimizer, 0.1, 1.0, total_iters=10),
]


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("make", PER_EPOCH)
def test_meant_for_epochs(make: Callable[[Any], Any], by_hand: bool, tmp_path: Path) -> None:
    wrong = found(lambda: fit(make, per_batch=True, by_hand=by_hand), tmp_path / "batch")
    assert "scheduler-stepped-per-batch" in wrong
    assert found(lambda: fit(make, by_hand=by_hand), tmp_path / "epoch") == []


@pytest.mark.parametrize("make", PER_BATCH)
def test_meant_for_batches(make: Callable[[Any], Any], tmp_path: Path) -> None:
    assert found(lambda: fit(make, per_batch=True), tmp_path) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda optimizer: schedulers.ExponentialLR(optimizer, 0.02),
        lambda optimizer: schedulers.LambdaLR(optimizer, lambda epoch: max(0.0, 1 - epoch / 2)),
    ],
)
def test_rate_at_zero_too_early(make: Callable[[Any], Any], tmp_path: Path) -> None:
    case = observe(lambda: fit(make), tmp_path, budget=20)
    (finding,) = findings(case, *CHECKS)
    assert (finding.check, finding.level) == ("scheduler-drives-rate-to-zero", "fault")
    assert finding.proof is not None and finding.proof.after < finding.proof.before


def test_rate_at_zero_after_convergence(tmp_path: Path) -> None:
    """The last half at no rate, but the task is learned by then."""

    def program() -> None:
        torch.manual_seed(0)
        x, _ = data()
        y = (x[:, 0] > 0).long()
        model = nn.Linear(6, 2)
        optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
        scheduler = schedulers.StepLR(optimizer, 60, gamma=1e-3)
        for _ in range(120):
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            scheduler.step()

    assert found(program, tmp_path, budget=20) == []


def test_never_stepped_is_a_note(tmp_path: Path) -> None:
    case = observe(lambda: fit(lambda optimizer: schedulers.StepLR(optimizer, 3), stepped=False), tmp_path)
    assert [item.level for item in findings(case, *CHECKS)] == ["note"]
