"""Programs that train one thing after the other: where a phase begins, what it holds, and which one is diagnosed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.optimizer import register_optimizer_step_post_hook
from torch.utils.data import DataLoader, TensorDataset

from paramedic.checks.case import Case
from paramedic.trace.setup import Setup
from paramedic.trace.store import TracePart
from tests.helpers import observe

X = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
Y = torch.arange(60) % 3


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))


def fit(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int = 12) -> None:
    loader = DataLoader(TensorDataset(X, Y), batch_size=10, shuffle=True)
    made = 0
    while made < steps:
        for x, y in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            made += 1


def evaluate(model: nn.Module) -> float:
    model.eval()
    with torch.no_grad():
        return float((model(X).argmax(1) == Y).float().mean())


def sgd(model: nn.Module, lr: float = 0.1) -> torch.optim.SGD:
    return torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=lr)


def new_head() -> None:
    model = net()
    fit(model, sgd(model))
    model[2] = nn.Linear(8, 3)
    for p in model[0].parameters():
        p.requires_grad_(False)
    fit(model, sgd(model))
    evaluate(model)


def folds() -> None:
    for _ in range(7):
        model = net()
        fit(model, sgd(model))
        evaluate(model)


def upfront() -> None:
    """Both optimizers are made before either steps."""
    first, second = net(), net()
    one, two = sgd(first), sgd(second)
    fit(first, one, 36)
    fit(second, two, 36)


def all_phases(setup: Setup) -> list[Setup]:
    return sorted([setup, *setup.others], key=lambda item: item.phase.number)


def replays(case: Case) -> None:
    assert case.lab.why_not_replayable() is None


def test_a_new_head_gets_a_window_of_its_own(tmp_path: Path) -> None:
    case = observe(new_head, tmp_path)
    setup = case.setup
    assert (setup.phase.number, setup.phase.count, setup.phase.first_step, setup.phase.steps) == (2, 2, 12, 12)
    assert setup.phase.chosen == "the last one" and len(setup.steps) == 12
    assert len(setup.optimizers) == 1 and len(setup.optimizers[0].parameters) == 2
    assert [item.role for item in setup.loaders] == ["train"] and len(setup.evaluations) == 1
    replays(case)
    part = TracePart(case.trace.path, (12, 24), (setup.phase.first_event, setup.phase.end_event or 0))
    assert [row.step for row in part.steps()] == list(range(12))
    assert {event.step for event in part.events("step")} == set(range(12))


def test_folds_are_phases_and_few_are_kept(tmp_path: Path) -> None:
    case = observe(folds, tmp_path)
    phases = all_phases(case.setup)
    assert case.setup.phase.number == case.setup.phase.count == 7
    assert [item.phase.number for item in phases] == [1, 5, 6, 7]  # the first, and the last ones
    assert all(len(item.evaluations) == 1 and len(item.loaders) == 1 for item in phases)
    assert {item.phase.like for item in case.setup.others} == {7}  # nothing new in them
    replays(case)


def test_an_optimizer_made_long_before_its_first_step(tmp_path: Path) -> None:
    case = observe(upfront, tmp_path)
    assert (case.setup.phase.number, case.setup.phase.first_step) == (2, 37)
    assert case.setup.phase.begun is not None and len(case.setup.steps) == 35
    replays(case)


def _alternating(turns: int) -> Callable[[], None]:
    def program() -> None:
        first, second = net(), net()
        one, two = sgd(first), sgd(second)
        for number in range(60):
            for model, optimizer in ((first, one), *([(second, two)] if number % turns == turns - 1 else [])):
                optimizer.zero_grad()
                F.cross_entropy(model(X), Y).backward()
                optimizer.step()

    return program


def made_late() -> None:
    """The second optimizer is made after the first has stepped, and both go on."""
    first, second = net(), net()
    one, two = sgd(first), None
    for _ in range(20):
        for model in (first, second):
            if model is second and two is None:
                two = sgd(second)
            optimizer = one if model is first else two
            assert optimizer is not None
            optimizer.zero_grad()
            F.cross_entropy(model(X), Y).backward()
            optimizer.step()


def inner_loops() -> None:
    """Meta-learning: an inner optimizer per task over a copy, then a step of the outer one."""
    model = net()
    outer = sgd(model)
    for _ in range(70):
        learner = copy.deepcopy(model)
        inner = sgd(learner)
        for _ in range(2):
            inner.zero_grad()
            F.cross_entropy(learner(X), Y).backward()
            inner.step()
        outer.zero_grad()
        F.cross_entropy(model(X), Y).backward()
        outer.step()


@pytest.mark.parametrize("turns", [1, 5])
def test_alternating_optimizers_are_one_phase(tmp_path: Path, turns: int) -> None:
    case = observe(_alternating(turns), tmp_path)
    assert case.setup.phase.count == 1 and len(case.setup.optimizers) == 2


@pytest.mark.parametrize("program", [made_late, inner_loops])
def test_optimizers_that_take_turns_stay_together(tmp_path: Path, program: Callable[[], None]) -> None:
    case = observe(program, tmp_path)
    assert case.setup.phase.count <= 2 and not case.setup.others
    assert sum(record.steps > 1 for record in case.setup.optimizers) >= 2
    assert len(case.setup.optimizers) <= 64
    replays(case)


def same_parameters_again() -> None:
    model = net()
    fit(model, sgd(model))
    fit(model, sgd(model, 0.01))


def added_group() -> None:
    model = net()
    optimizer = sgd(model[2])
    fit(model, optimizer)
    optimizer.add_param_group({"params": model[0].parameters()})
    fit(model, optimizer)


@pytest.mark.parametrize("program", [same_parameters_again, added_group])
def test_one_training_is_one_phase(tmp_path: Path, program: Callable[[], None]) -> None:
    assert observe(program, tmp_path).setup.phase.count == 1


def best_is_evaluated_last() -> None:
    models = [net(), nn.Linear(4, 3)]
    for model in models:
        fit(model, sgd(model))
    evaluate(models[1])
    evaluate(models[0])


def temperature() -> None:
    model = net()
    fit(model, sgd(model))
    scale = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(scale.parameters(), lr=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        with torch.no_grad():
            logits = model(X)
        F.cross_entropy(scale(logits.unsqueeze(2)).squeeze(2), Y).backward()
        optimizer.step()


def rounds() -> None:
    """Federated averaging: the clients' models go on from the global weights, with new optimizers."""
    model = net()
    for _ in range(5):
        client = copy.deepcopy(model)
        fit(client, sgd(client, 0.5), 60)
        model.load_state_dict(client.state_dict())
    evaluate(model)


@pytest.mark.parametrize(
    ("program", "number", "why"),
    [
        (best_is_evaluated_last, 1, "its model is evaluated last"),
        (temperature, 1, "the last one"),
        (rounds, 1, "the later ones go on from its weights"),
    ],
)
def test_the_phase_that_counts_is_diagnosed(
    tmp_path: Path, program: Callable[[], None], number: int, why: str
) -> None:
    torch.manual_seed(0)
    setup = observe(program, tmp_path).setup
    assert (setup.phase.number, setup.phase.chosen) == (number, why)


def test_an_evaluation_belongs_to_the_phase_that_trained_the_model(tmp_path: Path) -> None:
    first, second = all_phases(observe(best_is_evaluated_last, tmp_path).setup)
    assert [type(item.model) for item in first.evaluations] == [nn.Sequential]
    assert [type(item.model) for item in second.evaluations] == [nn.Linear]
    assert [type(item.module) for item in second.models] == [nn.Linear]


@pytest.mark.parametrize("program", [new_head, folds, upfront, inner_loops, rounds])
def test_weights_are_those_of_the_program_alone(tmp_path: Path, program: Callable[[], Any]) -> None:
    def weighed() -> list[torch.Tensor]:
        kept: list[torch.Tensor] = []
        hook = register_optimizer_step_post_hook(
            lambda optimizer, args, kwargs: kept.extend(
                p.detach().clone() for group in optimizer.param_groups for p in group["params"]
            )
        )
        try:
            torch.manual_seed(3)
            program()
        finally:
            hook.remove()
        return [*kept, torch.get_rng_state()]

    alone = weighed()
    seen: list[torch.Tensor] = []
    observe(lambda: seen.extend(weighed()), tmp_path)
    assert len(seen) == len(alone) and all(map(torch.equal, seen, alone))


def test_a_functional_training_is_counted_and_its_loss_examined(tmp_path: Path) -> None:
    """torch.func: what a transform hides is called again after the end, and nothing of the program's is touched."""
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 3))

    def loss_of(weights: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(torch.func.functional_call(model, weights, (x,)).softmax(1), y)

    def program() -> None:
        weights = {name: value.detach().clone() for name, value in model.named_parameters()}
        for _ in range(6):
            grads, _ = torch.func.grad_and_value(loss_of)(weights, X, Y)
            weights = {name: value - 0.3 * grads[name] for name, value in weights.items()}
        kept.extend([*(value.clone() for value in model.state_dict().values()), torch.get_rng_state()])

    kept: list[torch.Tensor] = []
    case = observe(program, tmp_path)
    assert len(case.setup.cut) == 3 and len(case.trace.steps()) == 6
    assert [record.loss for record in case.setup.cut] == [row.loss for row in case.trace.steps()[:3]]
    assert any("torch.func" in text for text in case.setup.problems)
    now = [*model.state_dict().values(), torch.get_rng_state()]
    assert all(map(torch.equal, kept, now)) and all(p.grad is None for p in model.parameters())
