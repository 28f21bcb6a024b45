"""Networks with a number that is too small are made anew with a larger one; noise and other numbers are left alone."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from paramedic.experiments.wider_copy import WiderCopy, numbers
from tests.helpers import findings, observe, repeated

CHECK = "network-too-small"


class Pairs(nn.Module):
    """Two inputs, each coded by as many numbers as it is told; from the codes a class."""

    def __init__(self, features: int, width: int = 1, classes: int = 3) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(features, width), nn.Linear(features, width)
        self.out = nn.Sequential(nn.Linear(2 * width, 32), nn.ReLU(), nn.Linear(32, classes))

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return self.out(torch.cat([self.left(a).tanh(), self.right(b).tanh()], dim=1))


class Attention(nn.Module):
    """The word behind a mark, by attention of as many dimensions as the configuration says."""

    def __init__(self, config: Namespace) -> None:
        super().__init__()
        self.words = nn.Embedding(config.words, config.width)
        self.query, self.key = nn.Linear(config.width, config.width), nn.Linear(config.width, config.width)
        self.out = nn.Linear(config.width, config.words)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.words(tokens)
        weights = (self.query(x[:, -1:]) @ self.key(x).transpose(1, 2) / x.shape[-1] ** 0.5).softmax(-1)
        return self.out((weights @ x)[:, 0])


def pairs(width: int, noise: bool = False, steps: int = 160) -> None:
    torch.manual_seed(0)
    model = Pairs(6, width)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    rule = torch.randn(12, 9)
    for _ in range(steps):
        a, b = torch.randn(2, 64, 6)
        label = (torch.cat([a, b], dim=1) @ rule).square().unflatten(1, (3, 3)).sum(2).argmax(1)
        if noise:
            label = torch.randint(0, 3, (64,))
        loss = functional.cross_entropy(model(a, b), label)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def attention(width: int, steps: int = 160) -> None:
    torch.manual_seed(0)
    model = Attention(Namespace(words=24, width=width))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        tokens = torch.randint(0, 24, (64, 6))
        loss = functional.cross_entropy(model(tokens), tokens[:, -1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize(("program", "name"), [(lambda: pairs(1), "width"), (lambda: attention(1), "config.width")])
def test_the_number_is_named(program: Callable[[], None], name: str, tmp_path: Path) -> None:
    case = observe(program, tmp_path, budget=12)
    model = case.setup.models[0].module
    before = [p.detach().clone() for p in model.parameters()]
    (finding,) = findings(case, CHECK)
    assert f"{name} = 1" in finding.summary and finding.proof is not None and finding.proof.seeds == 3
    assert finding.proof.after < finding.proof.before - 0.2
    known, again = repeated(case, finding.proof.experiment)
    assert again["after"] == pytest.approx(known["after"], abs=0.01) and again["seeds"] == 3 and again["variant"]
    assert "forward" not in vars(model)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_a_run_that_learned_a_good_part_has_to_get_half_of_the_rest(tmp_path: Path) -> None:
    (finding,) = findings(observe(lambda: attention(3), tmp_path, budget=60), CHECK)
    assert finding.level == "suspect" and "config.width = 3" in finding.summary and finding.proof is not None
    assert finding.proof.before - finding.proof.after > max(0.1, finding.proof.before / 2)


@pytest.mark.parametrize("program", [lambda: pairs(1, noise=True, steps=100), lambda: attention(16)])
def test_noise_and_wide_networks_are_left_alone(program: Callable[[], None], tmp_path: Path) -> None:
    assert findings(observe(program, tmp_path, budget=8), CHECK) == []


def test_numbers_of_classes_and_features_are_none_of_the_width(tmp_path: Path) -> None:
    case = observe(lambda: pairs(2, steps=3), tmp_path, budget=5)
    record = case.setup.models[0]
    assert record.arguments == {"features": 6, "width": 2, "classes": 3}
    reasons = {item.name: WiderCopy(record, item).why_not(case.lab) for item in numbers(record.arguments)}
    assert {name for name, reason in reasons.items() if reason is None} == {"width"}


def test_a_factor_of_all_widths_is_a_number_too() -> None:
    (found,) = numbers({"width_mult": 0.03, "classes": 12, "slope": 0.9, "activation": torch.relu})
    assert (found.name, found.value) == ("width_mult", 0.03) and found.wide == pytest.approx(0.48)
    assert numbers({"width_mult": 0.4})[0].wide == 1.0
