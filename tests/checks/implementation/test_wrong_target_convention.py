"""Targets in the form that a loss is defined for, and in others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.helpers import findings, observe

Loss = Callable[[Tensor, Tensor], Tensor]
GENERATOR = torch.Generator().manual_seed(0)
X = torch.randn(320, 12, generator=GENERATOR)
BINARY = (X[:, 0] > 0).float()
SEVERAL = (X[:, :6] > -0.3).float()
SYMBOLS = torch.randint(1, 6, (320, 3), generator=GENERATOR)


def train(loss: Loss, targets: Tensor) -> Callable[[], None]:
    def program() -> None:
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 6))
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for rows in torch.arange(320).split(32):
            value = loss(model(X[rows]), targets[rows])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()

    return program


def near(output: Tensor, target: Tensor) -> Tensor:
    return F.cosine_embedding_loss(output[:, :3], output[:, 3:], target)


def ranked(output: Tensor, target: Tensor) -> Tensor:
    return F.margin_ranking_loss(output[:, 0], output[:, 1], target, margin=0.1)


def soft_margin(output: Tensor, target: Tensor) -> Tensor:
    return nn.SoftMarginLoss()(output[:, 0], target)


def hinge(output: Tensor, target: Tensor) -> Tensor:
    return F.hinge_embedding_loss(output[:, 0], target)


def aligned(output: Tensor, target: Tensor) -> Tensor:
    scores = output.log_softmax(1).expand(8, -1, -1)
    return nn.CTCLoss()(scores, target, torch.full((32,), 8), torch.full((32,), 3))


def divergence(output: Tensor, target: Tensor) -> Tensor:
    return F.kl_div(output.log_softmax(1), target, reduction="batchmean")


INDICES = torch.where(SEVERAL > 0, torch.arange(6.0), torch.tensor(9.0)).sort(1).values.where(
    SEVERAL.sort(1, descending=True).values > 0, torch.tensor(-1.0)
).long()  # fmt: skip
SHARES = X[:, :6].softmax(1)


@pytest.mark.parametrize(
    ("loss", "right", "wrong"),
    [
        (near, 2 * BINARY - 1, BINARY),
        (ranked, 2 * BINARY - 1, BINARY),
        (soft_margin, 2 * BINARY - 1, BINARY),
        (hinge, 2 * BINARY - 1, BINARY),
        (F.multilabel_margin_loss, INDICES, SEVERAL.long()),
        (aligned, SYMBOLS, SYMBOLS - 1),
        (F.cross_entropy, SEVERAL / SEVERAL.sum(1, keepdim=True).clamp_min(1), SEVERAL),
        (F.cross_entropy, F.one_hot(SYMBOLS[:, 0], 6).float(), SEVERAL),
        (divergence, SHARES, SHARES.log()),
    ],
)
def test_targets_in_another_convention(loss: Loss, right: Tensor, wrong: Tensor, tmp_path: Path) -> None:
    name = "wrong-target-convention"
    assert not findings(observe(train(loss, right), tmp_path / "right"), name)
    found = findings(observe(train(loss, wrong), tmp_path / "wrong"), name)
    assert len(found) == 1
    assert found[0].level == ("suspect" if loss is F.cross_entropy else "fault")
    assert found[0].where is not None and found[0].where.file.endswith("test_wrong_target_convention.py")


def test_a_few_blanks_are_a_fault_of_the_data(tmp_path: Path) -> None:
    few = SYMBOLS.clone()
    few[::40, 0] = 0
    assert not findings(observe(train(aligned, few), tmp_path), "wrong-target-convention")


@pytest.mark.parametrize("labels", [SEVERAL, F.one_hot(SYMBOLS[:, 0], 6).float()])
def test_a_softmax_shares_one_unit_among_labels(labels: Tensor, tmp_path: Path) -> None:
    def loss(output: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(output.softmax(1), target)

    found = findings(observe(train(loss, labels), tmp_path), "softmax-over-wrong-dimension")
    assert len(found) == int(labels is SEVERAL)
