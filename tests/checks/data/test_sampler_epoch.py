"""A sampler that shuffles by the number of the epoch, in one process."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from tests.helpers import findings, observe


@pytest.mark.parametrize(
    ("told", "shuffle", "noise", "found"),
    [
        (False, True, 0.0, True),
        (False, True, 0.1, True),  # rows are drawn anew every time: the labels show it
        (True, True, 0.0, False),
        (False, False, 0.0, False),  # an order that is fixed on purpose
    ],
)
def test_the_same_order_in_every_epoch(tmp_path: Path, told: bool, shuffle: bool, noise: float, found: bool) -> None:
    class Rows(TensorDataset):
        def __getitem__(self, index: int) -> tuple[torch.Tensor, ...]:
            x, y = super().__getitem__(index)
            return x + noise * torch.randn(4), y

    def program() -> None:
        torch.manual_seed(0)
        data = Rows(torch.randn(96, 4), torch.randint(3, (96,)))
        sampler = DistributedSampler(data, num_replicas=1, rank=0, shuffle=shuffle)
        loader = DataLoader(data, batch_size=16, sampler=sampler)
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for epoch in range(4):
            if told:
                sampler.set_epoch(epoch)
            for x, y in loader:
                optimizer.zero_grad()
                F.cross_entropy(model(x), y).backward()
                optimizer.step()

    alarms = findings(observe(program, tmp_path), "sampler-epoch-never-set")
    assert [item.level for item in alarms] == (["fault"] if found else [])
    assert not alarms or alarms[0].where is not None and alarms[0].where.file.endswith("test_sampler_epoch.py")
