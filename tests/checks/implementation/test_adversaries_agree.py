"""A generator has to want what its judge gives to real data: which losses are right, and which pairs are no adversaries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.helpers import findings, observe

Loss = Callable[[Tensor], Tensor]


def towards(value: float) -> Loss:
    return lambda out: F.mse_loss(out, torch.full_like(out, value))


def real_bce(out: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(out, torch.ones_like(out))


def fake_bce(out: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(out, torch.zeros_like(out))


def play(on_real: Loss, on_fake: Loss, fooling: Loss, *, apart: bool = False, sigmoid: bool = False,
         offset: float = 0.0) -> None:
    torch.manual_seed(0)
    judge = nn.Sequential(nn.Linear(3, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1), *([nn.Sigmoid()] if sigmoid else []))
    maker = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))
    if offset:
        nn.init.constant_(judge[2].bias, offset)
        for tensor in (judge[0].bias, maker[2].weight, maker[2].bias):  # what is generated gets this output exactly
            nn.init.zeros_(tensor)
    first, second = (torch.optim.Adam(net.parameters(), lr=1e-3) for net in (judge, maker))
    for _ in range(6):
        real, made = torch.randn(20, 3) * (20 if offset else 1) + 1, maker(torch.randn(20, 2))
        first.zero_grad()
        if apart:
            on_real(judge(real)).backward()
            on_fake(judge(made.detach())).backward()
        else:
            (on_real(judge(real)) + on_fake(judge(made.detach()))).backward()
        first.step()
        second.zero_grad()
        fooling(judge(made)).backward()
        second.step()


def hinge_real(out: Tensor) -> Tensor:
    return F.relu(1 - out).mean()


def hinge_fake(out: Tensor) -> Tensor:
    return F.relu(1 + out).mean()


def probability(value: float) -> Loss:
    return lambda out: F.binary_cross_entropy(out, torch.full_like(out, value))


SOUND = [
    (real_bce, fake_bce, real_bce, {}),
    (fake_bce, real_bce, fake_bce, {}),  # the labels the other way round, in all three
    (real_bce, fake_bce, lambda out: -fake_bce(out), {"apart": True}),  # the game as it was first written
    (towards(0.9), towards(0.0), towards(0.9), {"apart": True}),
    (lambda out: -out.mean(), lambda out: out.mean(), lambda out: -out.mean(), {}),
    (hinge_real, hinge_fake, lambda out: -out.mean(), {}),
    (lambda out: -out.mean(), lambda out: out.mean(), lambda out: -out.mean(), {"offset": 0.4}),
    (probability(0.9), probability(0.0), probability(1.0), {"sigmoid": True}),
]
FAULTY = [
    (real_bce, fake_bce, fake_bce, {}),
    (real_bce, real_bce, real_bce, {"apart": True}),
    (towards(1.0), towards(0.0), towards(0.0), {}),
    (lambda out: -out.mean(), lambda out: out.mean(), lambda out: out.mean(), {}),
    (hinge_real, hinge_fake, lambda out: out.mean(), {}),
    (probability(1.0), probability(0.0), probability(0.0), {"sigmoid": True, "apart": True}),
]


@pytest.mark.parametrize(("on_real", "on_fake", "fooling", "settings"), SOUND)
def test_silent(on_real: Loss, on_fake: Loss, fooling: Loss, settings: dict, tmp_path: Path) -> None:
    case = observe(lambda: play(on_real, on_fake, fooling, **settings), tmp_path)
    assert findings(case, "adversaries-agree") == []


@pytest.mark.parametrize(("on_real", "on_fake", "fooling", "settings"), FAULTY)
def test_fires(on_real: Loss, on_fake: Loss, fooling: Loss, settings: dict, tmp_path: Path) -> None:
    case = observe(lambda: play(on_real, on_fake, fooling, **settings), tmp_path)
    assert [item.level for item in findings(case, "adversaries-agree")] == ["fault"]


def actor_critic() -> None:
    """The critic is called in the actor's step too, and judges nobody's samples against real ones."""
    torch.manual_seed(0)
    critic = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    actor = nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Linear(16, 2), nn.Tanh())
    first, second = (torch.optim.Adam(net.parameters(), lr=1e-3) for net in (critic, actor))
    for _ in range(6):
        state, action, reward, after = torch.randn(20, 3), torch.rand(20, 2), torch.randn(20, 1), torch.randn(20, 3)
        with torch.no_grad():
            target = reward + 0.9 * critic(torch.cat([after, actor(after)], 1))
        first.zero_grad()
        F.mse_loss(critic(torch.cat([state, action], 1)), target).backward()
        first.step()
        second.zero_grad()
        (-critic(torch.cat([state, actor(state)], 1)).mean()).backward()
        second.step()


def test_an_actor_and_its_critic_are_no_adversaries(tmp_path: Path) -> None:
    assert findings(observe(actor_critic, tmp_path), "adversaries-agree") == []
