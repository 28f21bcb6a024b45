"""Delta debugging finds the pieces that make it fail; the ladder names the layer that keeps a network from learning."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from paramedic.diagnosis.examine import examine
from paramedic.experiments.interventions import Remedy
from paramedic.experiments.ladder import Piece, isolate
from paramedic.experiments.piece_breaks_training import PieceBreaksTraining
from tests.experiments.programs import train
from tests.helpers import observe


@pytest.mark.parametrize("guilty", [{3}, {0}, {1, 6}, {0, 2, 7}])
def test_the_fewest_pieces_that_fail(guilty: set[int]) -> None:
    given = [Piece(str(number), Remedy()) for number in range(8)]
    tried = []

    def fails(kept: list[Piece]) -> bool:
        tried.append(kept)
        return guilty <= {int(item.name) for item in kept}

    assert {int(item.name) for item in isolate(given, fails)} == guilty
    assert len(tried) < 2 ** 8 / 4


class Wave(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.sin(2000 * x)


def waving() -> nn.Module:
    return nn.Sequential(nn.Linear(10, 32), Wave(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 3))


def test_the_layer_is_named(tmp_path: Path) -> None:
    case = observe(lambda: train(make=waving, rate=0.02), tmp_path, budget=60)
    found, outcomes, errors = examine(case, checks=[PieceBreaksTraining])
    assert not errors and [item.level for item in found] == ["suspect"], outcomes
    assert found[0].module is not None and found[0].module.endswith(".1")
    assert found[0].proof is not None and found[0].proof.after < found[0].proof.before


def test_a_run_that_learned_is_not_asked(tmp_path: Path) -> None:
    _, outcomes, errors = examine(observe(lambda: train(), tmp_path, budget=60), checks=[PieceBreaksTraining])
    assert not errors and outcomes[0].status == "not-applicable"
