"""Metrics of a loader whose sampler gives a part of its data set."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, SubsetRandomSampler, TensorDataset

from tests.helpers import findings, observe


@pytest.mark.parametrize(("share", "found"), [(0.25, ["metric-divided-by-wrong-count"]), (1.0, [])])
def test_the_length_of_the_whole_data_set(share: float, found: list[str], tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        x = torch.randn(80, 4)
        data = TensorDataset(x, (x[:, 0] > 0).long())
        train = DataLoader(data, batch_size=16, shuffle=True)
        valid = DataLoader(data, batch_size=10, sampler=SubsetRandomSampler(range(int(share * 80))))
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            for inputs, target in train:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(inputs), target).backward()
                optimizer.step()
            correct = 0
            model.eval()
            with torch.no_grad():
                for inputs, target in valid:
                    correct += (model(inputs).argmax(1) == target).sum().item()
            model.train()
            print(correct / len(valid.dataset))

    got = findings(observe(program, tmp_path), "metric-divided-by-wrong-count")
    assert [item.check for item in got] == found
    assert all("len(valid.sampler)" in item.summary for item in got)
