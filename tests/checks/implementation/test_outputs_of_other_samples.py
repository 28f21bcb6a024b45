"""Outputs of one order of dimensions against targets of another, once both are flattened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from tests.helpers import findings, observe

NAME = "outputs-of-other-samples"
TIME, CLASSES = 9, 4
X = torch.randn(96, TIME, 3, generator=torch.Generator().manual_seed(0))
Y = X[:, :, :2].argmax(2) + 2 * (X[:, :, 2] > 0).long()
Pairs = Callable[[Tensor, Tensor], Tensor]


class Tagger(nn.Module):
    def __init__(self, time_first: bool) -> None:
        super().__init__()
        self.rnn = nn.GRU(3, 8, batch_first=not time_first)
        self.out = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x)[0])


def flat(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.reshape(-1, CLASSES), labels.reshape(-1))


def turned(logits: Tensor, labels: Tensor) -> Tensor:
    return flat(logits.transpose(0, 1), labels)


def in_place(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(logits.transpose(1, 2), labels)


def contrasted(logits: Tensor, labels: Tensor) -> Tensor:
    """Samples are compared with each other on purpose: every one meets the targets of all."""
    means = logits.mean(1)
    return nn.functional.cross_entropy(means @ means.T, torch.arange(len(means))) + 0 * labels.sum()


@pytest.mark.parametrize(
    ("time_first", "loss", "found"),
    [
        (True, flat, True),
        (True, turned, False),
        (False, flat, False),
        (False, turned, True),
        (False, in_place, False),
        (False, contrasted, False),
    ],
)
@pytest.mark.parametrize("loader", [True, False])
def test_order_of_dimensions(time_first: bool, loss: Pairs, found: bool, loader: bool, tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = Tagger(time_first)
        optimizer = torch.optim.Adam(model.parameters(), 1e-2)
        batches = DataLoader(TensorDataset(X, Y), 16, shuffle=True)
        drawn = [(X[rows], Y[rows]) for rows in torch.randperm(96).split(16)]
        for x, y in batches if loader else drawn:
            optimizer.zero_grad()
            loss(model(x.transpose(0, 1) if time_first else x), y).backward()
            optimizer.step()

    said = findings(observe(program, tmp_path), NAME)
    assert [item.level for item in said] == (["fault"] if found else [])
    if found:
        assert said[0].exact and said[0].where is not None and said[0].where.file.endswith("other_samples.py")
