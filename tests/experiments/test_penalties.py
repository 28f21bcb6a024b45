"""Penalties on the weights that do nothing, or the opposite; sound ones and their look-alikes are silent."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import findings, observe

IDLE, REWARD = "penalty-without-gradient", "penalty-with-wrong-sign"
Penalty = Callable[[nn.Module], Tensor]


def train(make: Callable[[nn.Module], Penalty], model: nn.Module | None = None) -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 6)
    y = x[:, :1] * x[:, 1:2]
    model = model or nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 1))
    penalty = make(model)
    own = [p for p in (*model.parameters(), *getattr(penalty, "learned", []))]
    optimizer = torch.optim.SGD(own, lr=0.01)
    for step in range(4):
        rows = slice(16 * step, 16 * step + 16)
        loss = nn.functional.mse_loss(model(x[rows]), y[rows]) + penalty(model)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def squares(parameters: list[Tensor]) -> Tensor:
    return sum(p.square().sum() for p in parameters)  # type: ignore[return-value]


def detached(model: nn.Module) -> Penalty:
    return lambda model: 0.01 * squares([p.detach() for p in model.parameters()])


def off(model: nn.Module) -> Penalty:
    def penalty(model: nn.Module) -> Tensor:
        with torch.no_grad():
            return 0.01 * squares(list(model.parameters()))

    return penalty


def state(model: nn.Module) -> Penalty:
    weights = list(copy.deepcopy(model.state_dict()).values())
    return lambda _: 0.01 * squares(weights)


def twin(model: nn.Module) -> Penalty:
    other = copy.deepcopy(model)
    return lambda _: 0.01 * squares(list(other.parameters()))


def rewarded(model: nn.Module) -> Penalty:
    return lambda model: -0.01 * squares(list(model.parameters()))


def absolute(model: nn.Module) -> Penalty:
    return lambda model: 0 - 0.01 * torch.cat([p.flatten() for p in model.parameters()]).abs().sum()


def sound(model: nn.Module) -> Penalty:
    return lambda model: 0.01 * squares(list(model.parameters()))


def towards_the_start(model: nn.Module) -> Penalty:
    start = [p.detach().clone() for p in model.parameters()]
    return lambda model: 0.1 * squares([p - s for p, s in zip(model.parameters(), start, strict=True)])


def orthogonal(model: nn.Module) -> Penalty:
    def penalty(model: nn.Module) -> Tensor:
        weight = model[0].weight  # type: ignore[index]
        return 0.1 * (weight.T @ weight - torch.eye(6)).square().sum()

    return penalty


def volume(model: nn.Module) -> Penalty:
    """The log-determinant of an invertible layer."""
    return lambda model: -0.1 * torch.linalg.slogdet(model[0].weight.T @ model[0].weight)[1]  # type: ignore[index]


def learned_weight(model: nn.Module) -> Penalty:
    """Task uncertainty: log variances are added to the loss."""
    log_variance = nn.Parameter(torch.tensor([-0.5, -0.2]))

    def penalty(model: nn.Module) -> Tensor:
        return (torch.exp(-log_variance) * model(torch.ones(2, 6)).squeeze(1).square()).sum() + log_variance.sum()

    penalty.learned = [log_variance]  # type: ignore[attr-defined]
    return penalty


def none(model: nn.Module) -> Penalty:
    return lambda model: torch.zeros(())


CASES = {
    "detached": (detached, IDLE),
    "off": (off, IDLE),
    "state": (state, IDLE),
    "twin": (twin, IDLE),
    "rewarded": (rewarded, REWARD),
    "absolute": (absolute, REWARD),
    **{item.__name__: (item, None) for item in (sound, towards_the_start, orthogonal, volume, learned_weight, none)},
}


@pytest.mark.parametrize("name", CASES)
def test_what_a_penalty_does(name: str, tmp_path: Path) -> None:
    make, expected = CASES[name]
    found = findings(observe(lambda: train(make), tmp_path, budget=20), IDLE, REWARD)
    assert [item.check for item in found] == ([expected] if expected else [])
    for item in found:
        assert item.level == "fault" and item.exact and item.where is not None and item.where.file.endswith(Path(__file__).name)
