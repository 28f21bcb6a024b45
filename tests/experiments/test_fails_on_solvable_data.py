"""Where a run failed, data that are known to be solvable tell whether the code or the data are to blame."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from paramedic.diagnosis.examine import examine
from paramedic.experiments.fails_on_solvable_data import FailsOnSolvableData
from paramedic.measurements.surrogates import surrogate
from tests.helpers import observe


class Blind(nn.Module):
    """Its hidden layer loses what the input says."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(12, 16), nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.first(x * 0)))


def train(model: nn.Module, learnable: bool) -> None:
    torch.manual_seed(1)
    labels = torch.arange(640) % 4
    inputs = torch.randn(640, 12)
    if learnable:
        inputs[:, :4] += 4 * nn.functional.one_hot(labels, 4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in torch.cat([torch.randperm(640) for _ in range(4)]).split(32):
        loss = nn.functional.cross_entropy(model(inputs[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def sound() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 4))


@pytest.mark.parametrize(
    ("model", "learnable", "level", "said"),
    [
        (sound, False, ["note"], "the code learns solvable data, so look at the inputs and the targets"),
        (Blind, True, ["note"], "the code fails on easy data as well"),
        (sound, True, [], "the code learned its own data"),
    ],
)
def test_whose_fault_it_is(tmp_path: Path, model, learnable, level, said) -> None:
    case = observe(lambda: train(model(), learnable), tmp_path, budget=60)
    found, outcomes, errors = examine(case, checks=[FailsOnSolvableData])
    assert not errors, errors
    assert [item.level for item in found] == level
    assert said in (found[0].summary if found else outcomes[0].why)


@pytest.mark.parametrize(
    ("inputs", "target"),
    [
        (torch.randn(60, 3, 8, 8), torch.arange(60) % 5),
        (torch.rand(60, 7), torch.randn(60, 1)),
        (torch.rand(60, 20, 4), (torch.randn(60, 3) > 0).float()),
        (torch.rand(12, 3, 6, 6), torch.randint(0, 4, (12, 6, 6))),
        (torch.randint(0, 90, (60, 15)), torch.arange(60) % 2),
    ],
)
def test_surrogates_keep_shape_type_and_scale(inputs: Tensor, target: Tensor) -> None:
    made, other = surrogate(inputs, target, 0), surrogate(inputs, target, 1)
    assert made is not None and other is not None and made.shape == inputs.shape and made.dtype == inputs.dtype
    assert not torch.equal(made, other) and torch.equal(made, surrogate(inputs, target, 0))
    if inputs.is_floating_point():
        assert torch.allclose(made.mean(), inputs.mean(), atol=1e-3) and torch.allclose(made.std(), inputs.std(), rtol=0.01)
    else:
        assert set(made.unique().tolist()) <= set(inputs.unique().tolist())


def test_targets_can_be_told_from_surrogates() -> None:
    from sklearn.linear_model import LogisticRegression

    target = torch.arange(400) % 4
    made, held_out = (surrogate(torch.rand(400, 1, 8, 8), target, seed).flatten(1).numpy() for seed in (0, 1))
    probe = LogisticRegression(max_iter=500).fit(made, target.numpy())
    assert probe.score(held_out, target.numpy()) > 0.95


def test_no_surrogate_for_the_next_token() -> None:
    tokens = torch.randint(0, 50, (6, 12))
    assert surrogate(tokens, tokens.roll(-1, 1), 0) is None
