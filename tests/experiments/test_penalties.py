"""Penalties on the weights that do nothing, or the opposite; sound ones and their look-alikes are silent."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from paramedic.experiments.counterfactual import assess
from paramedic.experiments.loss_components import breakdown
from paramedic.experiments.progress import Probe
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


class Held(nn.Module):
    """A layer as Keras makes them: its weights are in a container, its activation is a part of it."""

    def __init__(self, inputs: int, outputs: int, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        kernel = torch.randn(inputs, outputs) / inputs**0.5
        self.held = nn.ParameterDict({"0": nn.Parameter(kernel), "1": nn.Parameter(torch.zeros(outputs))})
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return self.activation(x @ self.held["0"] + self.held["1"])


def probabilities(factor: float, listed: bool) -> None:
    """Three classes by clipped probabilities; the penalties are the terms of a stacked list, or are added."""
    torch.manual_seed(0)
    labels = torch.arange(240) % 3
    x = torch.randn(3, 10)[labels] + 0.5 * torch.randn(240, 10)
    model = nn.Sequential(Held(10, 24, torch.relu), Held(24, 3, lambda x: x.softmax(1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(6):
        for rows in torch.randperm(240).split(24):
            p = model(x[rows])
            p = (p / p.sum(1, keepdim=True)).clip(1e-7, 1 - 1e-7).log()
            loss = nn.functional.nll_loss(p, labels[rows])
            extra = [factor * layer.held["0"].square().sum() for layer in model]  # type: ignore[operator, index, union-attr]
            total = torch.stack([loss, *extra]).sum() if listed else loss + extra[0] + extra[1]
            optimizer.zero_grad()
            total.backward()
            optimizer.step()


@pytest.mark.parametrize(("factor", "names", "listed"), [(1.0, ["too-much-regularization"], True), (1e-4, [], False)])
def test_too_strong_a_penalty_of_layers_that_hold_their_weights_in_a_container(
    factor: float, names: list[str], listed: bool, tmp_path: Path
) -> None:
    case = observe(lambda: probabilities(factor, listed), tmp_path, budget=10)
    scale = assess(case).scale
    assert -1e-6 < scale.minimum < 0.01 and scale.constant == pytest.approx(math.log(3), abs=0.05)
    assert [item.check for item in findings(case, "too-much-regularization")] == names


def test_a_penalty_whose_factor_is_a_tensor_is_no_term_of_the_data(tmp_path: Path) -> None:
    case = observe(lambda: train(lambda _: lambda model: torch.tensor(0.01) * squares(list(model.parameters()))), tmp_path)
    with case.lab.at("initial"):
        taken = breakdown(case.lab, Probe(case.lab.main_backward.tape))
    assert taken is not None and [item.penalty for item in taken.components] == [False, True]


INVERSE = "penalty-rewards-large-weights"


def inverse(kind: str) -> None:
    """Three classes with a penalty of some form on the weights, or on one of the matrices."""
    torch.manual_seed(0)
    labels = torch.arange(480) % 3
    x = torch.randn(3, 10)[labels] + 0.5 * torch.randn(480, 10)
    model = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(6):
        for rows in torch.randperm(480).split(32):
            size = sum(layer.weight.norm() for layer in (model[0], model[2]))
            penalty = {
                "one over": lambda size=size: 5e4 / size,
                "exponential": lambda size=size: 5e3 * torch.exp(-0.05 * size),
                "sound": lambda size=size: 1e-3 * size,
                "too much": lambda size=size: 10.0 * size,
                "kept apart": lambda: 1e-3 / model[2].weight.norm(),
            }[kind]()
            loss = nn.functional.cross_entropy(model(x[rows]), labels[rows]) + penalty
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@pytest.mark.parametrize("kind", ["one over", "exponential"])
def test_a_penalty_that_falls_as_the_weights_grow(kind: str, tmp_path: Path) -> None:
    found = findings(observe(lambda: inverse(kind), tmp_path, budget=30.0), INVERSE)
    assert [item.level for item in found] == ["fault"] and found[0].where is not None
    assert found[0].proof is not None and found[0].proof.before - found[0].proof.after > 0.2
    values = [item.value for item in found[0].evidence]
    assert values == sorted(values, reverse=True)


def factors(sign: float) -> None:
    """Two tables of factors, and a penalty on one of them."""
    torch.manual_seed(0)
    true = torch.randn(40, 3), torch.randn(30, 3)
    rows, columns = torch.randint(40, (1500,)), torch.randint(30, (1500,))
    y = (true[0][rows] * true[1][columns]).sum(1)
    model = nn.ModuleList([nn.Embedding(40, 6), nn.Embedding(30, 6)])
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-2)
    for _ in range(6):
        for part in torch.randperm(1500).split(50):
            output = (model[0](rows[part]) * model[1](columns[part])).sum(1)
            loss = nn.functional.mse_loss(output, y[part]) + sign * 5e-2 * model[0].weight.square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@pytest.mark.parametrize(("sign", "count"), [(-1.0, 1), (0.1, 0)])
def test_a_penalty_on_one_of_two_matrices_with_the_wrong_sign(sign: float, count: int, tmp_path: Path) -> None:
    case = observe(lambda: factors(sign), tmp_path, budget=30.0)
    assert not findings(case, REWARD)
    assert len(findings(case, INVERSE)) == count


@pytest.mark.parametrize("kind", ["sound", "too much", "kept apart"])
def test_a_penalty_that_rises_or_does_no_harm(kind: str, tmp_path: Path) -> None:
    assert not findings(observe(lambda: inverse(kind), tmp_path, budget=30.0), INVERSE)
