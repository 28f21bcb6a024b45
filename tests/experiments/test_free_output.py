"""The free-output test on the kinds of losses and models there are."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.helpers import observe

CLASSES = 3


def train(net, loss_of, *inputs, steps=2):
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    for _ in range(steps):
        loss = loss_of(net, *inputs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def data(n=24):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, 6, generator=generator)
    return x, torch.arange(n) % CLASSES, torch.randn(n, 2, generator=generator)


def mlp(out, *last):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, out), *last)


class Sequence(nn.Module):
    """Embedding, GRU and head; the loss inside the model."""

    def __init__(self):
        super().__init__()
        self.embed, self.rnn, self.head = nn.Embedding(5, 8), nn.GRU(8, 8, batch_first=True), nn.Linear(8, 5)

    def forward(self, tokens, labels):
        logits = self.head(self.rnn(self.embed(tokens))[0])
        return {"loss": F.cross_entropy(logits.flatten(0, 1), labels.flatten()), "logits": logits}


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(CLASSES, 6) / 3)

    def forward(self, x):
        return F.linear(x, self.weight)


def classifier(out, *last, loss=F.cross_entropy):
    x, y, _ = data()
    train(mlp(out, *last), lambda net: loss(net(x), y))


def sequence():
    tokens = torch.randint(5, (6, 7), generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    train(Sequence(), lambda net: net(tokens, labels=tokens)["loss"])


def regression(scale):
    x, _, y = data()
    train(mlp(2), lambda net: F.mse_loss(net(x), scale * y + scale))


def binary(*last, loss):
    x, y, _ = data()
    train(mlp(1, *last), lambda net: loss(net(x).squeeze(1), (y == 0).float()))


def multitask():
    x, y, z = data()
    net = mlp(CLASSES + 2)
    train(net, lambda net: F.cross_entropy(net(x)[:, :CLASSES], y) + F.mse_loss(net(x)[:, CLASSES:], z))


ENTROPY = math.log(CLASSES)
PROGRAMS = {
    "logits": (lambda: classifier(CLASSES), ENTROPY),
    "log-probabilities": (lambda: classifier(CLASSES, nn.LogSoftmax(1), loss=F.nll_loss), ENTROPY),
    "sigmoid": (lambda: binary(nn.Sigmoid(), loss=F.binary_cross_entropy), math.log(3) - 2 / 3 * math.log(2)),
    "binary logits": (lambda: binary(loss=F.binary_cross_entropy_with_logits), math.log(3) - 2 / 3 * math.log(2)),
    "functional": (lambda: train(Functional(), lambda net: F.cross_entropy(net(data()[0]), data()[1])), ENTROPY),
    "sequence": (sequence, None),
    "regression": (lambda: regression(1.0), None),
    "regression in the hundreds": (lambda: regression(300.0), None),
    "multitask": (multitask, None),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_minimum_constant_and_agreement(name: str, tmp_path: Path) -> None:
    program, chance = PROGRAMS[name]
    case = observe(program, tmp_path)
    found = case.lab.free_output()
    assert found is not None and found.finite and not found.unbounded
    assert found.minimum < 0.02 * found.constant
    assert found.agree is not None and found.agree > 0.99
    if chance is not None:
        assert found.constant == pytest.approx(chance, rel=0.01)
    assert case.lab.u(found.constant) == pytest.approx(1.0)
    assert 0.5 < case.lab.u(case.lab.main_backward.loss) < 3.0


def test_a_reversed_loss_has_no_floor(tmp_path: Path) -> None:
    found = observe(lambda: classifier(CLASSES, loss=lambda a, b: -F.cross_entropy(a, b)), tmp_path).lab.free_output()
    assert found is not None and found.unbounded and found.agree is not None and found.agree < 0.7


def test_nothing_of_the_program_changes(tmp_path: Path) -> None:
    case = observe(lambda: classifier(CLASSES), tmp_path)
    before = [item.detach().clone() for item in case.lab._live()]
    case.lab.free_output()
    assert all(torch.equal(a, b) for a, b in zip(before, case.lab._live(), strict=True))
