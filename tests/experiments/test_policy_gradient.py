"""A loss that weighs the network's own samples is no measure of progress; a stochastic layer's samples are its data."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Normal

from paramedic.checks.check import NotApplicable
from paramedic.experiments.counterfactual import assess
from paramedic.experiments.progress import weighs_own_samples
from tests.helpers import observe


def reinforce(continuous: bool) -> None:
    torch.manual_seed(0)
    policy = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1 if continuous else 3))
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    for _ in range(8):
        state = torch.randn(32, 4)
        output = policy(state)
        chosen = Normal(output, 0.5) if continuous else Categorical(logits=output)
        action = chosen.sample()
        reward = -(action.squeeze(-1).float() - state[:, 0]).abs()
        loss = -(reward * chosen.log_prob(action).squeeze(-1)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def stochastic_layer() -> None:
    torch.manual_seed(0)
    inner, outer = nn.Linear(4, 8), nn.Linear(8, 2)
    optimizer = torch.optim.SGD([*inner.parameters(), *outer.parameters()], lr=0.1)
    for _ in range(8):
        x = torch.randn(32, 4)
        share = torch.sigmoid(inner(x))
        hidden = share + (torch.bernoulli(share) - share).detach()
        loss = nn.functional.cross_entropy(outer(hidden), (x[:, 0] > 0).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("continuous", [False, True])
def test_a_policy_gradient(continuous: bool, tmp_path: Path) -> None:
    case = observe(lambda: reinforce(continuous), tmp_path, budget=10)
    with pytest.raises(NotApplicable, match="own samples"):
        assess(case)


def test_a_stochastic_layer(tmp_path: Path) -> None:
    case = observe(stochastic_layer, tmp_path)
    tape = case.lab.main_backward.tape
    assert tape is not None and not weighs_own_samples(tape)
