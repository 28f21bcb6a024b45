"""What enters a loss: every fault in two kinds of models, and its look-alikes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers import findings, observe

CLASSES = 3
N = 24
EXACT = (
    "softmax-before-cross-entropy",
    "sigmoid-before-bce-with-logits",
    "nll-loss-without-log-softmax",
    "probabilities-in-nll",
    "log-softmax-with-mse",
    "squashed-regression-output",
    "softmax-over-wrong-dimension",
    "shape-broadcast-in-loss",
    "label-out-of-range",
    "logits-in-bce",
    "loss-input-shape",
)


def data():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(N, 6, generator=generator), torch.arange(N) % CLASSES, torch.randn(N, 1, generator=generator)


def train(loss_of, out=CLASSES, *last):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, out), *last)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    x, y, z = data()
    for _ in range(2):
        loss = loss_of(net(x), y, z)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def binary(y):
    return (y == 0).float()


def one_hot(y):
    return F.one_hot(y, CLASSES).float()


def with_module(out, loss_of, *last):
    return lambda: train(loss_of, out, *last)


FAULTS = [
    ("softmax-before-cross-entropy", with_module(3, lambda o, y, z: F.cross_entropy(o, y), nn.Softmax(1))),
    ("softmax-before-cross-entropy", with_module(3, lambda o, y, z: F.cross_entropy(o.sigmoid(), y))),
    ("softmax-before-cross-entropy",
     with_module(3, lambda o, y, z: -o.softmax(1).log_softmax(1).gather(1, y[:, None]).mean())),
    ("sigmoid-before-bce-with-logits",
     with_module(1, lambda o, y, z: F.binary_cross_entropy_with_logits(o[:, 0], binary(y)), nn.Sigmoid())),
    ("sigmoid-before-bce-with-logits",
     with_module(1, lambda o, y, z: F.binary_cross_entropy(o[:, 0].sigmoid(), binary(y)), nn.Sigmoid())),
    ("nll-loss-without-log-softmax", with_module(3, lambda o, y, z: F.nll_loss(o, y))),
    ("probabilities-in-nll", with_module(3, lambda o, y, z: F.nll_loss(o.softmax(1), y))),
    ("log-softmax-with-mse", with_module(3, lambda o, y, z: F.mse_loss(o, one_hot(y)), nn.LogSoftmax(1))),
    ("squashed-regression-output", with_module(1, lambda o, y, z: F.mse_loss(o.relu(), z))),
    ("squashed-regression-output", with_module(1, lambda o, y, z: ((o - 3 * z) ** 2).mean(), nn.Tanh())),
    ("softmax-over-wrong-dimension", with_module(3, lambda o, y, z: F.nll_loss(o, y), nn.LogSoftmax(0))),
    ("softmax-over-wrong-dimension", with_module(1, lambda o, y, z: F.mse_loss(o.softmax(1), z))),
    ("shape-broadcast-in-loss", with_module(1, lambda o, y, z: F.mse_loss(o, z[:, 0]))),
    ("shape-broadcast-in-loss", with_module(1, lambda o, y, z: (o - z.flatten()).abs().mean())),
    ("label-out-of-range", with_module(3, lambda o, y, z: F.cross_entropy(o, y + 1))),
    ("label-out-of-range",
     with_module(1, lambda o, y, z: F.binary_cross_entropy_with_logits(o[:, 0], 1.0 + binary(y)))),
    ("logits-in-bce", with_module(1, lambda o, y, z: F.binary_cross_entropy(5 * o[:, 0], binary(y)))),
    ("loss-input-shape", with_module(3, lambda o, y, z: F.cross_entropy(o, y.float()))),
    ("loss-input-shape", with_module(3, lambda o, y, z: F.cross_entropy(o, y[:, None]))),
]

HEALTHY = {
    "logits": with_module(3, lambda o, y, z: F.cross_entropy(o, y)),
    "log-softmax twice": with_module(3, lambda o, y, z: F.cross_entropy(o, y), nn.LogSoftmax(1)),
    "log-probabilities": with_module(3, lambda o, y, z: F.nll_loss(o, y), nn.LogSoftmax(1)),
    "probabilities": with_module(1, lambda o, y, z: F.binary_cross_entropy(o[:, 0], binary(y)), nn.Sigmoid()),
    "small logits": with_module(1, lambda o, y, z: F.binary_cross_entropy_with_logits(o[:, 0] / 9, binary(y))),
    "mse on probabilities": with_module(3, lambda o, y, z: F.mse_loss(o, one_hot(y)), nn.Softmax(1)),
    "sigmoid for pixels": with_module(1, lambda o, y, z: F.mse_loss(o, z.sigmoid()), nn.Sigmoid()),
    "distillation": with_module(3, lambda o, y, z: F.mse_loss(o, one_hot(y).sub(0.5).log_softmax(1)), nn.LogSoftmax(1)),
    "smoothing": with_module(3, lambda o, y, z: F.cross_entropy(o, y, label_smoothing=0.1)),
    "all pairs": with_module(1, lambda o, y, z: (o[:, 0][:, None] - o[:, 0]).square().mean() + F.mse_loss(o, z)),
    "class zero unused": with_module(4, lambda o, y, z: F.cross_entropy(o, y + 1)),
    "dot product": with_module(4, lambda o, y, z: F.mse_loss((o[:, :2] * o[:, 2:]).sum(1), z[:, 0])),
}


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_the_fault_is_found(number: int, tmp_path: Path) -> None:
    name, program = FAULTS[number]
    found = findings(observe(program, tmp_path), *EXACT)
    assert name in [item.check for item in found], found
    first = next(item for item in found if item.check == name)
    assert first.level == "fault" and first.exact and first.reason == "R19" and first.where is not None


@pytest.mark.parametrize("name", HEALTHY)
def test_silent_on_look_alikes(name: str, tmp_path: Path) -> None:
    assert findings(observe(HEALTHY[name], tmp_path), *EXACT) == []
