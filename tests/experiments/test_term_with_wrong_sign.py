"""A term of the loss with the wrong sign, and terms that may well be subtracted."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from paramedic.diagnosis.replay import replay_experiment
from paramedic.experiments.term_with_wrong_sign import TURNED
from tests.helpers import findings, observe

X, Y = load_digits(return_X_y=True)
X, Y = torch.tensor(X[:640] / 16).float(), torch.tensor(Y[:640])


class Coder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.mean, self.spread = nn.Linear(64, 8), nn.Linear(64, 8)
        self.decode = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        hidden = self.body(x)
        mean, spread = self.mean(hidden), self.spread(hidden).clamp(-6, 3)
        return self.decode(mean + torch.randn_like(mean) * (spread / 2).exp()), mean, spread


def coder(sign: float) -> None:
    torch.manual_seed(0)
    net = Coder()
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(6):
        for rows in torch.randperm(len(X)).split(32):
            restored, mean, spread = net(X[rows])
            fit = F.mse_loss(restored, X[rows], reduction="none").sum(1).mean()
            divergence = -0.5 * (1 + spread - mean.pow(2) - spread.exp()).sum(1).mean()
            loss = fit + sign * 0.1 * divergence
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def classifier(kind: str) -> None:
    """Terms that are subtracted on purpose: an entropy has a floor; what is bounded cannot run away."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(net.parameters(), 2e-3)
    for _ in range(4):
        for rows in torch.randperm(len(X)).split(32):
            output = net(X[rows])
            probabilities = output.softmax(1)
            entropy = -(probabilities * output.log_softmax(1)).sum(1).mean()
            extra = entropy if kind == "entropy" else 1e-4 * output.pow(2).mean()
            loss = F.cross_entropy(output, Y[rows]) - 0.1 * extra
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@pytest.mark.parametrize("budget", [0.0, 30.0])
def test_a_divergence_that_is_subtracted(budget: float, tmp_path: Path) -> None:
    case = observe(lambda: coder(-1.0), tmp_path, budget=budget)
    found = findings(case, "term-with-wrong-sign")
    assert [item.level for item in found] == ["fault" if budget else "suspect"]
    assert found[0].where is not None and found[0].where.file.endswith("test_term_with_wrong_sign.py")
    if budget:
        proof = found[0].proof
        assert proof is not None and proof.after < 0.9 * proof.before and proof.interval[1] < 0
        again = replay_experiment(case, f"{TURNED}0", steps=100)
        assert "problem" not in again and len(again["base"]) > 2


@pytest.mark.parametrize("kind", ["divergence", "entropy", "small"])
def test_terms_that_are_right(kind: str, tmp_path: Path) -> None:
    program = (lambda: coder(1.0)) if kind == "divergence" else (lambda: classifier(kind))
    assert not findings(observe(program, tmp_path, budget=20.0), "term-with-wrong-sign")
