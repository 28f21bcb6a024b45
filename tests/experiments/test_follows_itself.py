"""A target that the trained weights compute is no data: how far such a loss falls says nothing about progress."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from paramedic.checks.check import NotApplicable
from paramedic.experiments.counterfactual import assess
from paramedic.experiments.targets import follows_itself
from tests.helpers import observe


def temporal_differences(target: str) -> None:
    """Values of random transitions, bootstrapped from a slow copy, from the network itself, or from one that is frozen."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 1))
    other = network if target == "itself" else copy.deepcopy(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(12):
        state, following = torch.randn(32, 4), torch.randn(32, 4)
        if target == "itself":
            wanted = state[:, :1] + 0.9 * other(following).detach()
        else:
            with torch.no_grad():
                wanted = state[:, :1] + 0.9 * other(following)
        loss = nn.functional.smooth_l1_loss(network(state), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if target == "slow copy":
            with torch.no_grad():
                for slow, fast in zip(other.parameters(), network.parameters(), strict=True):
                    slow.mul_(0.9).add_(fast, alpha=0.1)


def beside_labels() -> None:
    """A consistency term beside a loss on data."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(12):
        x = torch.randn(32, 4)
        with torch.no_grad():
            before = network(x)
        logits = network(x + 0.1 * torch.randn_like(x))
        loss = nn.functional.cross_entropy(logits, (x[:, 0] > 0).long()) + nn.functional.mse_loss(logits, before)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.mark.parametrize("target", ["itself", "slow copy"])
def test_a_bootstrapped_target(target: str, tmp_path: Path) -> None:
    case = observe(lambda: temporal_differences(target), tmp_path, budget=10)
    with pytest.raises(NotApplicable, match="bootstrapped"):
        assess(case)


def test_a_frozen_network_gives_data(tmp_path: Path) -> None:
    case = observe(lambda: temporal_differences("frozen"), tmp_path)
    assert not follows_itself(case.lab)


def test_a_term_beside_labels(tmp_path: Path) -> None:
    assert not follows_itself(observe(beside_labels, tmp_path).lab)
