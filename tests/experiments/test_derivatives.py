"""A loss that is computed from derivatives of the network (torch.autograd.grad) is replayed like any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from paramedic.checks.check import NotApplicable
from paramedic.experiments.counterfactual import assess
from paramedic.trace.tape import DERIVATIVE
from tests.helpers import findings, observe


def equation(inside: bool) -> None:
    """u' = -u, u(0) = 1; the derivative is taken by the training loop or by the network itself."""
    torch.manual_seed(0)

    class Solution(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

        def forward(self, t: Tensor) -> tuple[Tensor, Tensor]:
            with torch.enable_grad():
                t = t.requires_grad_()
                u = 1 + t * self.layers(t)
                return u, torch.autograd.grad(u.sum(), t, create_graph=True)[0]

    network = Solution()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(8):
        t = torch.rand(32, 1)
        if inside:
            u, slope = network(t)
        else:
            t = t.requires_grad_()
            u = 1 + t * network.layers(t)
            slope = torch.autograd.grad(u.sum(), t, None, None, True)[0]
        loss = (slope + u).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def gradient_penalty() -> None:
    """What the penalty is taken at is computed without gradients, and then made to require one."""
    torch.manual_seed(0)
    generator, critic = nn.Linear(4, 2), nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-3)
    for _ in range(8):
        real = torch.randn(32, 2)
        with torch.no_grad():
            fake = generator(torch.randn(32, 4))
        between = (0.5 * real + 0.5 * fake).requires_grad_()
        slope = torch.autograd.grad(critic(between).sum(), between, create_graph=True)[0]
        loss = critic(fake).mean() - critic(real).mean() + (slope.norm(dim=1) - 1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


PROGRAMS = {"loop": lambda: equation(False), "module": lambda: equation(True), "penalty": gradient_penalty}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_the_first_steps_are_repeated(program: Callable[[], None], tmp_path: Path) -> None:
    case = observe(program, tmp_path)
    lab = case.lab
    assert lab.why_not_replayable() is None
    curve = lab.train(steps=4)
    assert curve.losses == pytest.approx([record.loss for record in lab.backwards[:4]], rel=1e-5)


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_how_low_it_can_get_is_not_claimed(program: Callable[[], None], tmp_path: Path) -> None:
    case = observe(program, tmp_path, budget=10)
    with pytest.raises(NotApplicable, match="derivatives"):
        assess(case)
    assert findings(case) == []


def test_a_derivative_without_a_graph_is_a_constant(tmp_path: Path) -> None:
    """An adversarial example is data: its gradient is no part of the loss."""

    def adversarial() -> None:
        torch.manual_seed(0)
        network = nn.Linear(3, 2)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
        for _ in range(4):
            x, y = torch.randn(16, 3).requires_grad_(), torch.randint(2, (16,))
            slope = torch.autograd.grad(nn.functional.cross_entropy(network(x), y), x)[0]
            loss = nn.functional.cross_entropy(network(x.detach() + 0.1 * slope.sign()), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    case = observe(adversarial, tmp_path)
    tape = case.setup.backwards()[-1].tape
    assert tape is not None and all(node.name != DERIVATIVE for node in tape.nodes)
