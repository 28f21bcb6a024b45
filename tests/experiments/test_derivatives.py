"""A loss that is computed from derivatives of the network (torch.autograd.grad) is replayed like any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from paramedic.checks.check import NotApplicable
from paramedic.experiments.counterfactual import assess, assess_mended
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
def test_a_sound_program_is_left_alone(program: Callable[[], None], tmp_path: Path) -> None:
    assert findings(observe(program, tmp_path, budget=10)) == []


def solved(lr: float, std: float | None = None) -> None:
    """u' = -u, u(0) = 1, which no network with a constant output solves."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
    for layer in network if std is not None else ():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=std)
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    for _ in range(250):
        t = (3 * torch.rand(32, 1)).requires_grad_()
        u = 1 + t * network(t)
        slope = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
        loss = (slope + u).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_the_scale_of_an_equation(tmp_path: Path) -> None:
    """With a constant c the residual is c + 1 + t c: at best (t from 0 to 3) 0.032; a solution has none."""
    found = assess_mended(observe(lambda: solved(5e-3), tmp_path, budget=60), [])
    assert found.gauge is not None and not found.gauge.in_turn
    assert found.scale.constant == pytest.approx(1 - 2.5**2 / 7, abs=0.05) and found.scale.minimum < 1e-3
    assert found.ended.train < 0.1


@pytest.mark.parametrize(
    ("lr", "std", "check"), [(3e-6, None, "learning-rate-too-low"), (3e-3, 6.0, "badly-scaled-initialization")]
)
def test_a_failing_solution_is_explained(lr: float, std: float | None, check: str, tmp_path: Path) -> None:
    case = observe(lambda: solved(lr, std), tmp_path, budget=60)
    assert [item.check for item in findings(case, "learning-rate-too-low", "badly-scaled-initialization", "wrong-optimizer",
                                            "learning-rate-too-high")] == [check]  # fmt: skip


def test_other_causes_are_not_sought_there(tmp_path: Path) -> None:
    case = observe(lambda: solved(3e-6), tmp_path, budget=60)
    with pytest.raises(NotApplicable, match="derivatives"):
        assess(case)


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


def test_the_last_bias_of_an_energy_needs_no_gradient(tmp_path: Path) -> None:
    def forces() -> None:
        torch.manual_seed(0)
        energy = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
        optimizer = torch.optim.Adam(energy.parameters(), lr=1e-2)
        for _ in range(8):
            place = torch.rand(32, 2).requires_grad_()
            force = -torch.autograd.grad(energy(place).sum(), place, create_graph=True)[0]
            loss = (force + 2 * place.detach()).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert findings(observe(forces, tmp_path), "parameters-not-reached") == []
