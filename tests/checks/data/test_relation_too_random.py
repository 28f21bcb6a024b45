"""Random targets are no shuffled ones: no line of the program puts one of the two into another order."""

from pathlib import Path

import torch
from torch import nn

from tests.helpers import findings, observe

X = torch.randn(600, 8, generator=torch.Generator().manual_seed(1))
Y = torch.randint(3, (600,), generator=torch.Generator().manual_seed(3))


def test_random_labels(tmp_path: Path) -> None:
    def train() -> None:
        model = nn.Linear(8, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for rows in torch.randperm(600).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X[rows]), Y[rows]).backward()
            optimizer.step()

    found = findings(observe(train, tmp_path), "labels-unrelated", "relation-too-random")
    assert [(item.check, item.level) for item in found] == [("relation-too-random", "suspect")]
