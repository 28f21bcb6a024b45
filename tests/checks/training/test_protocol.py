"""Row 34: gradients that are not zeroed, or zeroed too late; the healthy styles stay silent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.helpers import findings, observe

CHECKS = ("missing-zero-grad", "zero-grad-between-backward-and-step")
STEPS = 24


def setting(kind: str) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    if kind == "classifier":
        return nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3)), torch.randn(64, 6), torch.randint(3, (64,))
    return nn.Sequential(nn.Linear(6, 12), nn.Tanh(), nn.Linear(12, 1)), torch.randn(64, 6), torch.randn(64, 1)


def loss_of(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    function = nn.functional.mse_loss if y.is_floating_point() else nn.functional.cross_entropy
    return function(model(x), y)


def never(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(STEPS):
        loss_of(model, x, y).backward()
        optimizer.step()


def once_per_epoch(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(3):
        optimizer.zero_grad()
        for rows in range(0, 64, 8):
            loss_of(model, x[rows : rows + 8], y[rows : rows + 8]).backward()
            optimizer.step()


def wrong_optimizer(model: nn.Module, x: Tensor, y: Tensor) -> None:
    other = nn.Linear(2, 2)
    optimizer, second = torch.optim.SGD(model.parameters(), lr=0.01), torch.optim.SGD(other.parameters(), lr=0.01)
    for _ in range(STEPS):
        second.zero_grad()
        loss_of(model, x, y).backward()
        optimizer.step()


def too_late(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(STEPS):
        loss_of(model, x, y).backward()
        optimizer.zero_grad()
        optimizer.step()


def too_late_by_module(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    for _ in range(STEPS):
        loss_of(model, x, y).backward()
        model.zero_grad(set_to_none=False)
        optimizer.step()


def first(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss_of(model, x, y).backward()
        optimizer.step()


def last(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(STEPS):
        loss_of(model, x, y).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)


def by_hand(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(STEPS):
        for parameter in model.parameters():
            parameter.grad = None
        loss_of(model, x, y).backward()
        optimizer.step()


def accumulation(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for number in range(STEPS):
        (loss_of(model, x, y) / 4).backward()
        if number % 4 == 3:
            optimizer.step()
            optimizer.zero_grad()


def closure(model: nn.Module, x: Tensor, y: Tensor) -> None:
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)

    def evaluate() -> Tensor:
        optimizer.zero_grad()
        loss = loss_of(model, x, y)
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(evaluate)


def adversaries(model: nn.Module, x: Tensor, y: Tensor) -> None:
    """Two optimizers; the second loss reaches the first one's parameters, which are zeroed before their own turn."""
    top = nn.Linear(3 if not y.is_floating_point() else 1, 1)
    one, two = torch.optim.SGD(top.parameters(), lr=0.01), torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(STEPS // 2):
        one.zero_grad()
        top(model(x).detach()).pow(2).mean().backward()
        one.step()
        two.zero_grad()
        (-top(model(x)).mean()).backward()
        two.step()


@pytest.mark.parametrize("kind", ["classifier", "regression"])
@pytest.mark.parametrize("loop", [never, once_per_epoch, wrong_optimizer])
def test_missing_zero_grad(loop: Callable[..., None], kind: str, tmp_path: Path) -> None:
    (finding,) = findings(observe(lambda: loop(*setting(kind)), tmp_path), *CHECKS)
    assert (finding.check, finding.level, finding.exact) == ("missing-zero-grad", "fault", True)
    assert finding.where is not None and finding.where.function == loop.__name__


@pytest.mark.parametrize("kind", ["classifier", "regression"])
@pytest.mark.parametrize("loop", [too_late, too_late_by_module])
def test_zero_grad_too_late(loop: Callable[..., None], kind: str, tmp_path: Path) -> None:
    (finding,) = findings(observe(lambda: loop(*setting(kind)), tmp_path), *CHECKS)
    assert finding.check == "zero-grad-between-backward-and-step"
    assert finding.where is not None
    assert "zero_grad" in Path(__file__).read_text().splitlines()[finding.where.line - 1]


@pytest.mark.parametrize("kind", ["classifier", "regression"])
@pytest.mark.parametrize("loop", [first, last, by_hand, accumulation, closure, adversaries])
def test_healthy_styles(loop: Callable[..., None], kind: str, tmp_path: Path) -> None:
    assert findings(observe(lambda: loop(*setting(kind)), tmp_path), *CHECKS) == []


@pytest.mark.parametrize("inside", [True, False])
def test_zero_grad_between_the_parts_of_a_batch(inside: bool, tmp_path: Path) -> None:
    def program() -> None:
        model, x, y = setting("classifier")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(STEPS):
            optimizer.zero_grad()
            for rows in torch.arange(64).split(16):
                if inside:
                    optimizer.zero_grad()
                (loss_of(model, x[rows], y[rows]) / 4).backward()
            optimizer.step()

    found = findings(observe(program, tmp_path), *CHECKS)
    assert [item.check for item in found] == (["zero-grad-between-backward-and-step"] if inside else [])
    if found:
        assert found[0].evidence[0].value == 3


def test_adversaries_zero_what_the_other_one_left(tmp_path: Path) -> None:
    """The generator's backward reaches the judge; zeroing that is right."""

    def program() -> None:
        torch.manual_seed(0)
        generator, judge = nn.Linear(4, 6), nn.Linear(6, 1)
        first, second = (torch.optim.Adam(item.parameters(), lr=1e-3) for item in (generator, judge))
        for _ in range(STEPS):
            for _ in range(2):
                second.zero_grad()
                (judge(generator(torch.randn(16, 4)).detach()).mean() - judge(torch.randn(16, 6)).mean()).backward()
                second.step()
            first.zero_grad()
            (-judge(generator(torch.randn(16, 4))).mean()).backward()
            first.step()

    assert findings(observe(program, tmp_path), *CHECKS) == []


def test_a_closure_begins_from_zero_each_time(tmp_path: Path) -> None:
    def program() -> None:
        model, x, y = setting("regression")
        optimizer = torch.optim.LBFGS(model.parameters(), lr=0.5, max_iter=3)

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss = loss_of(model, x, y)
            loss.backward()
            return loss

        for _ in range(STEPS):
            optimizer.step(closure)

    assert findings(observe(program, tmp_path), *CHECKS) == []


def test_adversaries_updated_by_one_function(tmp_path: Path) -> None:
    """Both backward calls stand in one line; what the generator's leaves in the judge is rightly zeroed."""

    def update(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def program() -> None:
        torch.manual_seed(0)
        generator, judge = nn.Linear(4, 6), nn.Linear(6, 1)
        first, second = (torch.optim.Adam(item.parameters(), lr=1e-3) for item in (generator, judge))
        for _ in range(STEPS):
            made = generator(torch.randn(16, 4))
            update(judge(made.detach()).mean() - judge(torch.randn(16, 6)).mean(), second)
            update(-judge(made).mean(), first)

    assert findings(observe(program, tmp_path), *CHECKS) == []
