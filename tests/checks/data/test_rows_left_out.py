"""Parts of a dataset that no loader gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Subset, SubsetRandomSampler, TensorDataset

from tests.helpers import findings, observe

X, Y = load_digits(return_X_y=True)
WHOLE = TensorDataset(torch.tensor(X / 16).float(), torch.tensor(Y))
TEST = Subset(WHOLE, range(1400, 1797))


def train(loader: DataLoader, *others: DataLoader) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for _ in range(12):
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    for other in others:
        with torch.no_grad():
            for x, y in other:
                F.cross_entropy(net(x), y)


@pytest.mark.parametrize("sampler", [False, True])
@pytest.mark.parametrize(("rows", "level"), [(60, "suspect"), (1400, None), (500, None)])
def test_a_small_part_is_trained_on(rows: int, level: str | None, sampler: bool, tmp_path: Path) -> None:
    def program() -> None:
        part = SubsetRandomSampler(range(rows))
        loader = DataLoader(WHOLE, 20, sampler=part) if sampler else DataLoader(Subset(WHOLE, range(rows)), 20, shuffle=True)
        train(loader, DataLoader(TEST, 100))

    found = findings(observe(program, tmp_path), "rows-left-out")
    assert [item.level for item in found] == ([level] if level else [])


def test_rows_that_another_loader_gives_are_used(tmp_path: Path) -> None:
    """Few labelled rows, and a loader of the others beside them."""
    def program() -> None:
        loaders = DataLoader(TEST, 100), DataLoader(Subset(WHOLE, range(60, 1400)), 100)
        train(DataLoader(Subset(WHOLE, range(60)), 20, shuffle=True), *loaders)

    assert not findings(observe(program, tmp_path), "rows-left-out")
