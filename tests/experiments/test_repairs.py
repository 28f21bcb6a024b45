"""Each repair gives the step, or the order of events, that a person would have written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paramedic.checks.case import Case
from paramedic.experiments.interventions import Remedy
from paramedic.experiments.repairs import repair_of
from paramedic.trace.setup import BackwardRecord, OptimizerStep, ZeroGrad
from tests.helpers import findings, observe

Loss = Callable[[Tensor, Tensor], Tensor]


def classify(loss: Loss) -> Callable[[], None]:
    return lambda: _fit(nn.Linear(6, 4), torch.randn(64, 6), torch.randint(4, (64,)), loss)


def regress(loss: Loss) -> Callable[[], None]:
    return lambda: _fit(nn.Linear(6, 1), torch.randn(64, 6), 3 * torch.randn(64), loss)


def decide(loss: Loss) -> Callable[[], None]:
    return lambda: _fit(nn.Linear(6, 1), torch.randn(64, 6), torch.randint(2, (64, 1)).float(), loss)


def _fit(model: nn.Module, x: Tensor, y: Tensor, loss: Loss) -> None:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in torch.arange(64).split(16):
        optimizer.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        optimizer.step()


def log_softmax_of_probabilities(z: Tensor, y: Tensor) -> Tensor:
    return F.nll_loss(F.log_softmax(F.softmax(z, 1), 1), y)


# check, program with the wrong loss, the loss that it should have been
LOSSES = {
    "softmax-before-cross-entropy": (classify(lambda z, y: F.cross_entropy(z.softmax(1), y)), F.cross_entropy),
    "softmax-before-cross-entropy, twice": (classify(log_softmax_of_probabilities), F.cross_entropy),
    "softmax-over-wrong-dimension": (classify(lambda z, y: F.nll_loss(F.log_softmax(z, 0), y)), F.cross_entropy),
    "nll-loss-without-log-softmax": (classify(F.nll_loss), F.cross_entropy),
    "probabilities-in-nll": (classify(lambda z, y: F.nll_loss(z.softmax(1), y)), F.cross_entropy),
    "sigmoid-before-bce-with-logits": (
        decide(lambda z, y: F.binary_cross_entropy_with_logits(z.sigmoid(), y)), F.binary_cross_entropy_with_logits
    ),
    "shape-broadcast-in-loss": (
        regress(lambda z, y: F.mse_loss(z, y)), lambda z, y: F.mse_loss(z, y.reshape(z.shape))
    ),
    "squashed-regression-output": (
        regress(lambda z, y: F.mse_loss(z.squeeze(1).tanh(), y)), lambda z, y: F.mse_loss(z.squeeze(1), y)
    ),
    "custom-loss-sign": (regress(lambda z, y: -((z.squeeze(1) - y) ** 2).mean()), lambda z, y: F.mse_loss(z[:, 0], y)),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_the_repaired_loss_is_the_right_one(name: str, tmp_path: Path) -> None:
    program, right = LOSSES[name]
    torch.manual_seed(0)
    case = observe(program, tmp_path)
    remedy = repaired(case, name.split(",")[0])
    tape = case.lab.main_backward.tape
    assert tape is not None
    with case.lab.at("initial"):
        value = remedy.loss(tape.loss(**remedy.tape_options(tape)))
        model = case.setup.models[0].module
        inputs, target = case.lab.batches(limit=1)[0]
        assert target is not None
        torch.testing.assert_close(value, right(model(inputs[0]), target))
        value.backward()
        assert all(bool(item.grad.ne(0).any()) for item in model.parameters())  # type: ignore[union-attr]


def repaired(case: Case, name: str) -> Remedy:
    found = findings(case, name)
    assert found, f"{name} is not found"
    remedy = repair_of(case, found[0])
    assert remedy is not None, f"nothing mends {name}"
    return remedy


def kinds(steps: list) -> list[list[type]]:
    return [[type(event) for event in step] for step in steps]


def loop(zero: str, step: bool = True) -> Callable[[], None]:
    def program() -> None:
        model = nn.Linear(6, 4)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(6):
            loss = F.cross_entropy(model(torch.randn(8, 6)), torch.randint(4, (8,)))
            loss.backward()
            if zero == "between":
                optimizer.zero_grad()
            if step:
                optimizer.step()

    return program


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("missing-zero-grad", loop("never")),
        ("zero-grad-between-backward-and-step", loop("between")),
        ("missing-step", loop("never", step=False)),
    ],
)
def test_the_protocol_is_put_right(name: str, program: Callable[[], None], tmp_path: Path) -> None:
    case = observe(program, tmp_path)
    remedy = repaired(case, name)
    steps = [step for own in case.lab.recorded_steps(remedy) for step in remedy.events(own)]
    assert len(steps) == 6
    assert all(kind == [ZeroGrad, BackwardRecord, OptimizerStep] for kind in kinds(steps))


def test_shuffled_rows_keep_inputs_and_targets_together(tmp_path: Path) -> None:
    def program() -> None:
        y = torch.arange(80) // 20
        x = torch.nn.functional.one_hot(y, 4).float() + torch.arange(80)[:, None] * 1e-3
        _fit_in_order(x, y)

    case = observe(program, tmp_path)
    remedy = repaired(case, "single-label-batches")
    with case.lab.at("initial"):
        remedy.begin(case.lab)
        for record in case.lab.backwards[:8]:
            tape = record.tape
            assert tape is not None
            values = list(remedy.tape_options(tape)["replace"].values())
            x, y = (values[0], values[1]) if values[0].is_floating_point() else (values[1], values[0])
            assert torch.equal(x.argmax(1), y) and y.unique().numel() > 1


def _fit_in_order(x: Tensor, y: Tensor) -> None:
    model = nn.Linear(4, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2):
        for start in range(0, 80, 10):
            optimizer.zero_grad()
            F.cross_entropy(model(x[start : start + 10]), y[start : start + 10]).backward()
            optimizer.step()


class Cubed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return grad * x**2  # 3 is missing


def test_a_wrong_backward_is_replaced_by_that_of_autograd(tmp_path: Path) -> None:
    torch.manual_seed(0)
    case = observe(regress(lambda z, y: ((Cubed.apply(z).squeeze(1) - y) ** 2).mean()), tmp_path)
    apply = Cubed.apply
    remedy = repaired(case, "wrong-gradient")
    tape = case.lab.main_backward.tape
    assert tape is not None
    with case.lab.at("initial"):
        tape.loss(**remedy.tape_options(tape)).backward()
        weight = case.setup.models[0].module.weight
        mended = weight.grad.clone()
    with case.lab.at("initial"):
        tape.loss().backward()
        torch.testing.assert_close(mended, 3 * weight.grad)
    assert Cubed.apply == apply
