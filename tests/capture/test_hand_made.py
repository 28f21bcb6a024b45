"""Programs without an optimizer: their steps are understood, and can be trained again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from paramedic.checks.case import Case
from tests.helpers import findings, observe

STEPS = 12


def _data() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(48, 6, generator=generator)
    return x, (x @ torch.randn(6, 3, generator=generator)).argmax(1)


def _tensors() -> list[Tensor]:
    torch.manual_seed(0)
    return [(torch.randn(shape) * 0.4).requires_grad_() for shape in ((6, 16), (16,), (16, 3), (3,))]


def _loss(w: list[Tensor], k: int) -> Tensor:
    x, y = _data()
    rows = slice(8 * (k % 6), 8 * (k % 6) + 8)
    return functional.cross_entropy(torch.tanh(x[rows] @ w[0] + w[1]) @ w[2] + w[3], y[rows])


def _data_attribute(losses: list[float]) -> None:
    w = _tensors()
    for k in range(STEPS):
        loss = _loss(w, k)
        for p in w:
            p.grad = None
        loss.backward()
        losses.append(loss.item())
        for p in w:
            p.data += -0.1 * p.grad


def _autograd_grad(losses: list[float]) -> None:
    w = _tensors()
    for k in range(STEPS):
        loss = _loss(w, k)
        gradients = torch.autograd.grad(loss, w)
        losses.append(loss.item())
        with torch.no_grad():
            for p, g in zip(w, gradients, strict=True):
                p -= 0.1 * g


def _module(losses: list[float], momentum: float = 0.9, decay: float = 0.01, clip: bool = False) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))
    velocity = [torch.zeros_like(p) for p in net.parameters()]
    x, y = _data()
    for k in range(STEPS):
        rows = slice(8 * (k % 6), 8 * (k % 6) + 8)
        loss = functional.cross_entropy(net(x[rows]), y[rows])
        loss.backward()
        losses.append(loss.item())
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), 0.3)
        with torch.no_grad():
            for p, v in zip(net.parameters(), velocity, strict=True):
                v.mul_(momentum).add_(p.grad + decay * p)
                p.sub_(0.05 * v)
        net.zero_grad()


def _accumulated(losses: list[float]) -> None:
    w = _tensors()
    for k in range(2 * STEPS):
        loss = _loss(w, k)
        loss.backward()
        losses.append(loss.item())
        if k % 2:
            with torch.no_grad():
                for p in w:
                    p -= 0.05 * p.grad
                    p.grad.zero_()


@pytest.mark.parametrize(
    ("program", "lr", "momentum", "decay"),
    [
        (_data_attribute, 0.1, 0.0, 0.0),
        (_autograd_grad, 0.1, 0.0, 0.0),
        (_module, 0.05, 0.9, 0.01),
        (lambda losses: _module(losses, clip=True, momentum=0.0, decay=0.0), 0.05, 0.0, 0.0),
        (_accumulated, 0.05, 0.0, 0.0),
    ],
)
def test_the_same_losses_come_again(
    program: Callable[[list[float]], None], lr: float, momentum: float, decay: float, tmp_path: Path
) -> None:
    alone: list[float] = []
    program(alone)
    seen: list[float] = []
    case = observe(lambda: program(seen), tmp_path, budget=10)
    assert seen == alone
    (record,) = case.setup.optimizers
    assert record.by_hand and record.steps == STEPS
    settings = record.groups[0]
    assert settings["lr"] == pytest.approx(lr, rel=1e-3)
    assert settings["momentum"] == pytest.approx(momentum, abs=1e-3)
    assert settings["weight_decay"] == pytest.approx(decay, rel=0.05, abs=1e-6)
    assert case.lab.train().losses == pytest.approx(alone, rel=1e-3)
    assert not findings(case, "missing-zero-grad", "parameters-not-optimized", "missing-step")


def _adam(k: int, w: list[Tensor], state: list[Tensor]) -> None:
    for p, v in zip(w, state, strict=True):
        v.mul_(0.99).addcmul_(p.grad, p.grad, value=0.01)
        p -= 0.01 * p.grad / (v.sqrt() + 1e-8)


def _hand_made(update: Callable[[int, list[Tensor], list[Tensor]], None], zero: bool = True) -> None:
    w = _tensors()
    state = [torch.zeros_like(p) for p in w]
    for k in range(STEPS):
        loss = _loss(w, k)
        loss.backward()
        with torch.no_grad():
            update(k, w, state)
        for p in w if zero else ():
            p.grad = None


def _plain(k: int, w: list[Tensor], state: list[Tensor]) -> None:
    for p in w:
        p -= 0.1 * p.grad


def _without_biases(k: int, w: list[Tensor], state: list[Tensor]) -> None:
    for p in w[::2]:
        p -= 0.1 * p.grad


def _case(program: Callable[[], None], folder: Path) -> Case:
    return observe(program, folder, budget=10)


def test_another_rule_is_said_and_not_replayed(tmp_path: Path) -> None:
    case = _case(lambda: _hand_made(_adam), tmp_path)
    assert not case.setup.optimizers and not case.lab.recorded_steps()
    assert any("another rule" in text for text in case.setup.problems)


def test_what_is_not_updated_is_not_held(tmp_path: Path) -> None:
    case = _case(lambda: _hand_made(_without_biases), tmp_path)
    assert {tuple(p.shape) for p in case.setup.optimizers[0].parameters} == {(6, 16), (16, 3)}


def test_old_gradients_are_found(tmp_path: Path) -> None:
    (finding,) = findings(_case(lambda: _hand_made(_plain, zero=False), tmp_path), "missing-zero-grad")
    assert "p.grad" in finding.summary


def test_one_step_too_large_is_no_other_rule(tmp_path: Path) -> None:
    """The rate may change from step to step."""

    def update(k: int, w: list[Tensor], state: list[Tensor]) -> None:
        for p in w:
            p -= (0.2 if k < 4 else 0.02) * p.grad

    case = _case(lambda: _hand_made(update), tmp_path)
    rates = [event.lrs[0] for step in case.setup.steps for event in step if event.kind == "step"]  # type: ignore[union-attr]
    assert rates == pytest.approx([0.2] * 4 + [0.02] * (STEPS - 4), rel=1e-3)


def test_an_optimizer_s_steps_are_not_taken_for_hand_made(tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        net = nn.Linear(6, 3)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        x, y = _data()
        for _ in range(STEPS):
            optimizer.zero_grad()
            functional.cross_entropy(net(x), y).backward()
            optimizer.step()
            with torch.no_grad():
                net.weight.clamp_(-1, 1)

    case = _case(program, tmp_path)
    assert not any(record.by_hand for record in case.setup.optimizers)


def _by_backward(w: list[Tensor], loss: Tensor) -> list[Tensor]:
    loss.backward()
    return [(p - 0.1 * p.grad).detach().requires_grad_() for p in w]


def _by_derivative(w: list[Tensor], loss: Tensor) -> list[Tensor]:
    with torch.no_grad():
        w = [p - 0.1 * g for p, g in zip(w, torch.autograd.grad(loss, w), strict=True)]
    return [p.requires_grad_() for p in w]


def _by_data(w: list[Tensor], loss: Tensor) -> list[Tensor]:
    loss.backward()
    return [torch.autograd.Variable(p.data - 0.1 * p.grad.data, requires_grad=True) for p in w]


def _made_anew(update: Callable[[list[Tensor], Tensor], list[Tensor]], losses: list[float]) -> None:
    w = _tensors()
    for k in range(STEPS):
        loss = _loss(w, k)
        losses.append(loss.item())
        w = update(w, loss)


def _sensitivities() -> None:
    """Inputs that want a gradient, with weights that are written to in place."""
    w = _tensors()
    x, y = _data()
    for _ in range(STEPS):
        inputs = (x * 2).requires_grad_()
        functional.cross_entropy(torch.tanh(inputs @ w[0] + w[1]) @ w[2] + w[3], y).backward()
        with torch.no_grad():
            for p in w:
                p -= 0.1 * p.grad
                p.grad = None


@pytest.mark.parametrize("update", [_by_backward, _by_derivative, _by_data])
def test_parameters_that_are_made_anew_are_followed(
    update: Callable[[list[Tensor], Tensor], list[Tensor]], tmp_path: Path
) -> None:
    alone: list[float] = []
    _made_anew(update, alone)
    seen: list[float] = []
    case = observe(lambda: _made_anew(update, seen), tmp_path, budget=10)
    assert seen == alone and not case.setup.problems
    (record,) = case.setup.optimizers
    assert record.by_hand and record.groups[0]["lr"] == pytest.approx(0.1, rel=1e-3)
    assert [row.loss for row in case.trace.steps()] == pytest.approx(alone)
    assert case.lab.train().losses == pytest.approx(alone[:-1], rel=1e-3)
    with case.lab.at("final"):
        assert float(case.lab.backwards[-1].tape.loss().detach()) == pytest.approx(alone[-1], rel=1e-3)
    assert not findings(case, "missing-zero-grad", "parameters-not-optimized", "missing-step", "missing-backward")


def test_parameters_made_anew_by_an_unknown_rule_are_said_not_to_be_followed(tmp_path: Path) -> None:
    def update(w: list[Tensor], loss: Tensor) -> list[Tensor]:
        loss.backward()
        return [(p - 0.1 * p.grad.sign()).detach().requires_grad_() for p in w]

    losses: list[float] = []
    case = observe(lambda: _made_anew(update, losses), tmp_path)
    assert [text for text in case.setup.problems if "another rule" in text]
    assert case.setup.optimizers == [] and len(case.setup.backwards()) == STEPS
    assert [row.loss for row in case.trace.steps()] == pytest.approx(losses)


@pytest.mark.parametrize("followed", [True, False])
def test_a_loss_that_ends_as_nan_is_found_where_parameters_are_made_anew(followed: bool, tmp_path: Path) -> None:
    """Logarithms of probabilities that were rounded to 0."""

    def program() -> None:
        w = _tensors()
        x, y = _data()
        for _ in range(3 * STEPS):
            logits = torch.tanh(x @ w[0] + w[1]) @ w[2] + w[3]
            loss = -torch.log(logits.softmax(1)[torch.arange(len(y)), y]).mean()
            loss.backward()
            w = [(p - 300 * (p.grad if followed else p.grad.sign())).detach().requires_grad_() for p in w]

    found = findings(observe(program, tmp_path, budget=10), "non-finite-origin", "custom-loss-non-finite")
    assert any(item.check == "non-finite-origin" for item in found)


def test_inputs_that_want_a_gradient_are_no_parameters(tmp_path: Path) -> None:
    case = observe(_sensitivities, tmp_path)
    assert not [text for text in case.setup.problems if "made anew" in text]
