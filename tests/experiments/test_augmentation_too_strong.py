"""Augmentation that destroys the rows is proven and placed, wherever it happens; sensible noise and noise as task are not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset, default_collate

from paramedic.checks.data.clean_view import augmentation, clean_view
from paramedic.checks.registry import check_classes
from paramedic.diagnosis.examine import examine
from paramedic.experiments import counterfactual
from tests.helpers import findings, observe

NAME = "augmentation-too-strong"
torch.manual_seed(0)
LABELS = torch.arange(600) % 3
ROWS = torch.randn(3, 10)[LABELS] + 0.5 * torch.randn(600, 10)


class Noisy(Dataset[Any]):
    def __init__(self, scale: float, transform: Any = None) -> None:
        self.scale, self.transform = scale, transform

    def __len__(self) -> int:
        return 600

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        row = ROWS[i] + self.scale * torch.randn(10)
        return (self.transform(row) if self.transform else row), LABELS[i]


def in_the_loop(scale: float) -> Iterator[tuple[Tensor, Tensor]]:
    for rows in torch.randperm(480).split(32):
        x = ROWS[rows]
        yield x + scale * torch.randn_like(x), LABELS[rows]


def in_the_dataset(scale: float) -> DataLoader[Any]:
    return DataLoader(Subset(Noisy(scale), range(480)), 32, shuffle=True)


def in_the_collate_function(scale: float) -> DataLoader[Any]:
    def collate(rows: list[Any]) -> tuple[Tensor, Tensor]:
        x, y = default_collate(rows)
        return x + scale * torch.randn(x.shape), y

    return DataLoader(TensorDataset(ROWS[:480], LABELS[:480]), 32, shuffle=True, collate_fn=collate)


def train(make: Callable[[float], Any], scale: float) -> None:
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    loader = None if make is in_the_loop else make(scale)
    validation = DataLoader(Subset(Noisy(0.0), range(480, 600)), 120)
    for _ in range(6):
        model.train()
        for x, y in in_the_loop(scale) if loader is None else loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for x, y in validation:
                (model(x).argmax(1) == y).float().mean().item()


@pytest.mark.parametrize("make", [in_the_loop, in_the_dataset, in_the_collate_function])
def test_rows_that_nobody_can_read(
    make: Callable[[float], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counterfactual, "all_remedies", list)  # the other remedies take their time
    found = findings(observe(lambda: train(make, 30.0), tmp_path, budget=60.0), NAME)
    assert [item.level for item in found] == ["fault"]
    assert found[0].where is not None and "torch.randn" in Path(__file__).read_text().splitlines()[found[0].where.line - 1]
    assert found[0].proof is not None and found[0].proof.interval[1] < 0


def test_sensible_noise(tmp_path: Path) -> None:
    case = observe(lambda: train(in_the_loop, 0.3), tmp_path, budget=60.0)
    assert augmentation(case) is not None
    assert findings(case, NAME) == []


def test_rows_without_augmentation_are_the_rows_of_the_array(tmp_path: Path) -> None:
    case = observe(lambda: train(in_the_loop, 5.0), tmp_path)
    clean = clean_view(case)
    assert clean is not None and clean.complete
    first = clean.inputs[0]
    assert first is not None and all(bool((ROWS == row).all(dim=1).any()) for row in first)


@pytest.mark.parametrize("task", ["denoising", "no augmentation"])
def test_noise_that_is_the_task_or_is_not_there(task: str, tmp_path: Path) -> None:
    def program() -> None:
        model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 10))
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        for rows in torch.randperm(600).split(32):
            x = ROWS[rows]
            noise = torch.randn_like(x) if task == "denoising" else 0.0
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x + noise), x).backward()
            optimizer.step()

    case = observe(program, tmp_path, budget=10.0)
    check = [item for item in check_classes() if item.name == NAME]  # type: ignore[attr-defined]
    _, outcomes, errors = examine(case, checks=check)
    assert outcomes[0].status == "not-applicable" and not errors
