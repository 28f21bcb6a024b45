"""Losses as functions of their outputs: faults in several kinds, and legitimate variants that must stay silent."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.checks.implementation.test_loss_inputs import N, binary, data, one_hot, with_module
from tests.helpers import findings, observe

CUSTOM = (
    "custom-loss-sign",
    "custom-loss-wrong-minimum",
    "custom-loss-ignores-target",
    "custom-loss-non-finite",
    "loss-without-gradient",
    "shape-broadcast-in-loss",
)


def log_likelihood(o, y):
    return o.log_softmax(1).gather(1, y[:, None])[:, 0]


def soft_dice(o, t):
    p = o.sigmoid()
    return (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)


def gaussian(o, z):
    log_variance = o[:, 1:].clamp(-6, 6)
    return 0.5 * ((o[:, :1] - z) ** 2 / log_variance.exp() + log_variance).mean()


def focal(o, y):
    log_p = log_likelihood(o, y)
    return -((1 - log_p.exp()) ** 2 * log_p).mean()


def contrastive(o, y):
    distance = (o[:12] - o[12:]).square().sum(1).add(1e-8).sqrt()
    same = (y[:12] == y[12:]).float()
    return (same * distance**2 + (1 - same) * (1 - distance).clamp(min=0) ** 2).mean()


def concordance(o, z):
    o, z = o.flatten(), z.flatten()
    return 1 - 2 * ((o - o.mean()) * (z - z.mean())).mean() / (o.var() + z.var() + (o.mean() - z.mean()) ** 2)


def unread_target(o, target):
    return F.mse_loss(o, o.detach() * 0.5)


FAULTS = [
    ("custom-loss-sign", with_module(3, lambda o, y, z: -focal(o, y))),
    ("custom-loss-sign", with_module(1, lambda o, y, z: -F.mse_loss(o, z))),
    ("custom-loss-sign", with_module(1, lambda o, y, z: soft_dice(o[:, 0], binary(y)))),
    ("custom-loss-wrong-minimum", with_module(3, lambda o, y, z: -o.log_softmax(1)[:, y].mean())),
    ("custom-loss-wrong-minimum",
     with_module(4, lambda o, y, z: ((o - z * torch.tensor([1.0, -1.0, 2.0, -2.0])).mean(1) ** 2).mean())),
    ("custom-loss-wrong-minimum", with_module(1, lambda o, y, z: (1 - binary(y) * o[:, 0]).relu().mean())),
    ("custom-loss-ignores-target", with_module(3, lambda o, y, z: F.cross_entropy(o, o.argmax(1)))),
    ("custom-loss-non-finite",
     with_module(2, lambda o, y, z: (o[None] - o[:, None]).square().sum(2).sqrt().mean() + F.cross_entropy(o, y % 2))),
    ("loss-without-gradient", with_module(1, lambda o, y, z: ((o > 0).float() - z).square().mean())),
    ("loss-without-gradient", with_module(1, lambda o, y, z: (o.round() - z).square().mean())),
]

LEGITIMATE = {
    "label smoothing": with_module(3, lambda o, y, z: F.cross_entropy(o, y, label_smoothing=0.2)),
    "focal": with_module(3, lambda o, y, z: focal(o, y)),
    "by hand": with_module(3, lambda o, y, z: -o.log_softmax(1)[torch.arange(N), y].mean()),
    "class weights": with_module(3, lambda o, y, z: F.cross_entropy(o, y, weight=torch.tensor([1.0, 5.0, 0.2]))),
    "pos_weight": with_module(
        1, lambda o, y, z: F.binary_cross_entropy_with_logits(o[:, 0], binary(y), pos_weight=torch.tensor(9.0))
    ),
    "hinge": with_module(1, lambda o, y, z: (1 - (2 * binary(y) - 1) * o[:, 0]).relu().mean()),
    "l1": with_module(1, lambda o, y, z: (o - z).abs().mean()),
    "rmse": with_module(1, lambda o, y, z: F.mse_loss(o, z).sqrt()),
    "log-cosh": with_module(1, lambda o, y, z: (o - z).cosh().log().mean()),
    "probabilities": with_module(3, lambda o, y, z: F.mse_loss(o.softmax(1), one_hot(y))),
    "dice": with_module(1, lambda o, y, z: 1 - soft_dice(o[:, 0], binary(y))),
    "gaussian": with_module(2, lambda o, y, z: gaussian(o, z)),
    "poisson": with_module(1, lambda o, y, z: F.poisson_nll_loss(o[:, 0], y.float())),
    "contrastive": with_module(4, lambda o, y, z: contrastive(o, y)),
    "concordance": with_module(1, lambda o, y, z: concordance(o, z)),
    "critic": with_module(1, lambda o, y, z: o[:12].mean() - o[12:].mean()),
    "policy gradient": with_module(3, lambda o, y, z: -(log_likelihood(o, y) * z[:, 0]).mean()),
    "masked": with_module(1, lambda o, y, z: (((o - z) ** 2)[:, 0] * (y > 0)).sum() / (y > 0).sum()),
    "entropy": with_module(3, lambda o, y, z: -(o.softmax(1) * o.log_softmax(1)).sum(1).mean()),
}


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_the_fault_is_found(number: int, tmp_path: Path) -> None:
    name, program = FAULTS[number]
    found = findings(observe(program, tmp_path), *CUSTOM)
    if name == "custom-loss-non-finite":
        found = [item for item in found if item.check == name]
    assert [item.check for item in found] == [name], found
    assert found[0].level == "fault"
    assert found[0].reason == ("R37" if "became non-finite" in found[0].summary else "R18")


def roots_and_squares(o, y):
    squared = (o[None] - o[:, None]).square().sum(2)
    weighed = squared * 0.1
    distance = squared.sqrt()
    return (distance + weighed).mean() + F.cross_entropy(o, y % 2)


def test_the_root_is_named_and_not_what_uses_its_input_as_well(tmp_path: Path) -> None:
    program = with_module(2, lambda o, y, z: roots_and_squares(o, y))
    (found,) = findings(observe(program, tmp_path), "custom-loss-non-finite")
    assert found.summary.startswith("sqrt in the loss"), found.summary


@pytest.mark.parametrize("name", LEGITIMATE)
def test_silent_on_legitimate_losses(name: str, tmp_path: Path) -> None:
    assert findings(observe(LEGITIMATE[name], tmp_path), *CUSTOM) == []


def test_a_parameter_that_is_never_read(tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        x, _, target = data()
        net = nn.Linear(6, 1)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            loss = unread_target(net(x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    found = findings(observe(program, tmp_path), "custom-loss-ignores-target")
    assert len(found) == 1 and "never reads" in found[0].summary


