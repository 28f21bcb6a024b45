"""Losses on pairs and triplets with their meaning turned round, and the same programs as they should be."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from paramedic.experiments.pairs import turned_round
from tests.helpers import findings, observe

CENTRES = torch.randn(6, 12, generator=torch.Generator().manual_seed(1))


def point(kind: int) -> Tensor:
    return CENTRES[kind] + 0.4 * torch.randn(12)


def network() -> nn.Module:
    torch.manual_seed(0)
    random.seed(0)
    return nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 4))


def contrastive(reverse: bool, target: str = "01") -> None:
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(120):
        kinds = [(random.randrange(6), random.randrange(6) if k % 2 else None) for k in range(32)]
        one = torch.stack([point(a) for a, _ in kinds])
        two = torch.stack([point(a if b is None else b) for a, b in kinds])
        same = torch.tensor([float(b is None or a == b) for a, b in kinds])
        distance = functional.pairwise_distance(net(one), net(two))
        if target == "-11":  # CosineEmbeddingLoss: 1 for pairs that belong together
            loss = functional.cosine_embedding_loss(net(one), net(two), (2 * same - 1) * (-1 if reverse else 1))
        else:
            pulled = 1 - same if reverse else same
            loss = (pulled * distance**2 + (1 - pulled) * functional.relu(1.5 - distance) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def triplets(reverse: bool, by_hand: bool = False) -> None:
    net = network()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    for _ in range(120):
        kinds = [random.randrange(6) for _ in range(32)]
        anchor, positive = (net(torch.stack([point(kind) for kind in kinds])) for _ in range(2))
        negative = net(torch.stack([point((kind + random.randrange(1, 6)) % 6) for kind in kinds]))
        if reverse:
            positive, negative = negative, positive
        if by_hand:
            near, far = ((anchor - other).square().sum(1) for other in (positive, negative))
            loss = functional.relu(near - far + 1).mean()
        else:
            loss = functional.triplet_margin_loss(anchor, positive, negative)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


PROGRAMS: dict[str, Callable[[bool], None]] = {
    "contrastive": contrastive,
    "cosine": lambda reverse: contrastive(reverse, "-11"),
    "triplets": triplets,
    "triplets by hand": lambda reverse: triplets(reverse, True),
}


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_turned_round(program: Callable[[bool], None], tmp_path: Path) -> None:
    (found,) = findings(observe(lambda: program(True), tmp_path, budget=30), "pairs-reversed")
    assert found.level == "fault" and found.proof is not None and found.proof.after < 0.5 * found.proof.before
    assert found.where is not None and found.where.function in ("contrastive", "triplets")


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_as_it_should_be(program: Callable[[bool], None], tmp_path: Path) -> None:
    case = observe(lambda: program(False), tmp_path, budget=30)
    assert turned_round(case.lab)
    assert findings(case, "pairs-reversed") == []


def test_failing_for_another_reason(tmp_path: Path) -> None:
    """Labels of pairs that mean nothing: turned round they mean as little."""

    def noise() -> None:
        net = network()
        optimizer = torch.optim.Adam(net.parameters(), lr=3e-3)
        for _ in range(120):
            one, two = (torch.stack([point(random.randrange(6)) for _ in range(32)]) for _ in range(2))
            same = torch.randint(2, (32,)).float()
            distance = functional.pairwise_distance(net(one), net(two))
            loss = (same * distance**2 + (1 - same) * functional.relu(1.5 - distance) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert findings(observe(noise, tmp_path, budget=30), "pairs-reversed") == []


def test_a_loss_without_pairs(tmp_path: Path) -> None:
    def plain() -> None:
        net = network()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(5):
            loss = functional.cross_entropy(net(torch.randn(16, 12)), torch.randint(4, (16,)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    assert turned_round(observe(plain, tmp_path).lab) == []
