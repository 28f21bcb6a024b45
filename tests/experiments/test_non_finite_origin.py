"""Row 37: the first operation that gives NaN or infinity, forward and backward."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.helpers import findings, observe

CHECKS = ("non-finite-origin", "loss-diverges")
Loss = Callable[[Tensor, Tensor], Tensor]


def fit(loss_of: Loss, *, steps: int = 12, lr: float = 0.01, inputs: Tensor | None = None) -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 5) if inputs is None else inputs
    y = torch.randn(64, 1)
    model = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    for number in range(steps):
        rows = slice(16 * number % 64, 16 * number % 64 + 16)
        optimizer.zero_grad()
        loss = loss_of(model(x[rows]), y[rows])
        loss.backward()
        optimizer.step()


def masked_attention(out: Tensor, y: Tensor) -> Tensor:
    scores = out.expand(-1, 4).masked_fill(torch.arange(16)[:, None] == 3, -math.inf)
    return (F.softmax(scores, dim=1) * y).sum()


FORWARD: list[tuple[str, Loss]] = [
    ("log", lambda out, y: torch.log(out).mean()),
    ("log", lambda out, y: -torch.log(torch.relu(out - 5)).mean()),
    ("div", lambda out, y: (y.abs() / torch.relu(out - 5)).mean()),
    ("exp", lambda out, y: torch.exp(200 + out).mean()),
    ("sqrt", lambda out, y: torch.sqrt(out - 5).mean()),
    ("pow", lambda out, y: ((out - 5) ** 0.5).mean()),
    ("acos", lambda out, y: torch.acos(out + 3).mean()),
    ("std", lambda out, y: out[:1].std() + out.mean()),
    ("softmax", masked_attention),
    ("nll_loss", lambda out, y: F.nll_loss(F.log_softmax(out.expand(-1, 2), 1), torch.full((16,), -100))),
]
BACKWARD: list[tuple[str, Loss]] = [
    ("sqrt", lambda out, y: torch.sqrt(torch.relu(out) * 0).mean() + out.mean()),
    ("sqrt", lambda out, y: torch.where(out.abs() > 0, out, torch.sqrt(out * 0)).mean()),
    ("pow", lambda out, y: ((torch.relu(out) * 0) ** 0.5).mean() + out.mean()),
]


@pytest.mark.parametrize(("name", "loss_of"), FORWARD)
def test_forward(name: str, loss_of: Loss, tmp_path: Path) -> None:
    (finding,) = findings(observe(lambda: fit(loss_of), tmp_path), *CHECKS)
    assert (finding.check, finding.level, finding.exact) == ("non-finite-origin", "fault", True)
    assert name in finding.summary.split("()")[0]
    assert finding.where is not None and Path(finding.where.file).name == Path(__file__).name


@pytest.mark.parametrize(("name", "loss_of"), BACKWARD)
def test_backward(name: str, loss_of: Loss, tmp_path: Path) -> None:
    (finding,) = findings(observe(lambda: fit(loss_of), tmp_path), *CHECKS)
    assert finding.level == "fault"
    assert "derivative" in finding.summary and name in finding.summary.split("()")[0]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_bad_input(bad: float, tmp_path: Path) -> None:
    x = torch.randn(64, 5)
    x[20, 2] = bad
    (finding,) = findings(observe(lambda: fit(F.mse_loss, inputs=x), tmp_path), *CHECKS)
    assert finding.level == "fault" and "comes in from outside" in finding.summary
    assert "step 2 " in finding.summary


def test_too_large_steps_are_the_cause(tmp_path: Path) -> None:
    found = findings(observe(lambda: fit(F.mse_loss, lr=30.0, steps=60), tmp_path), *CHECKS)
    assert {(item.check, item.level) for item in found} == {("non-finite-origin", "note"), ("loss-diverges", "suspect")}


@pytest.mark.parametrize(
    "loss_of",
    [
        F.mse_loss,
        lambda out, y: torch.sqrt((out - y).pow(2).mean() + 1e-8),
        lambda out, y: (
            F.softmax(out.expand(-1, 4).masked_fill(torch.arange(4) == 2, -math.inf), 1) * y
        ).sum(),
    ],
)
def test_finite(loss_of: Loss, tmp_path: Path) -> None:
    assert findings(observe(lambda: fit(loss_of), tmp_path), *CHECKS) == []


def test_a_skipped_batch_is_healthy(tmp_path: Path) -> None:
    def program() -> None:
        torch.manual_seed(0)
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**100)
        for number in range(12):
            x, y = torch.randn(8, 4), torch.randn(8, 1)
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            if number == 5:
                loss = loss * math.inf
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()

    assert [item for item in findings(observe(program, tmp_path), *CHECKS) if item.level != "note"] == []
