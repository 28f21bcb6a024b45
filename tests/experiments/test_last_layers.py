"""Which layer is the last, which is narrow, and what all samples share: seen through parametrizations, wrappers and padding."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import ParametrizationList

from paramedic.diagnosis.examine import examine
from paramedic.experiments.known_good import KnownGoodModel
from paramedic.experiments.lab import Intervention
from paramedic.experiments.network_too_small import bottleneck
from paramedic.experiments.progress import Tail, _constants
from paramedic.experiments.target_columns_out_of_balance import TargetColumnsOutOfBalance
from tests.experiments.programs import train
from tests.helpers import observe


def normed() -> nn.Module:
    return nn.Sequential(spectral_norm(nn.Linear(10, 4)), nn.ReLU(), spectral_norm(nn.Linear(4, 3)))


def test_a_parametrization_is_no_layer(tmp_path: Path) -> None:
    case = observe(lambda: train(make=normed, epochs=1), tmp_path, budget=20.0)
    assert not any(isinstance(module, ParametrizationList) for _, module, _ in case.lab.operations().module_outputs)
    narrowest = bottleneck(case.lab)
    assert narrowest is None or not isinstance(narrowest.module, ParametrizationList)


class Wrapped(nn.Module):
    """Has a parameter of its own, and hands the result of its last layer on."""

    def __init__(self) -> None:
        super().__init__()
        self.shift, self.body, self.out = nn.Parameter(torch.zeros(10)), nn.Linear(10, 8), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.relu(self.body(x + self.shift)))


def test_a_wrapper_does_not_hide_the_last_layer(tmp_path: Path) -> None:
    case = observe(lambda: train(make=Wrapped, epochs=1), tmp_path, budget=20.0)
    assert KnownGoodModel().why_not(case.lab) is None


def test_what_all_samples_share_where_every_batch_has_another_length() -> None:
    def tail(length: int) -> Tail:
        return Tail([torch.randn(4, length, 3)], [], torch.zeros(()), None, 4, Intervention(), makers=(1,))

    short, long, other = _constants([tail(5), tail(7), tail(5)])
    assert short[0].shape == (1, 5, 3) and long[0].shape == (1, 7, 3) and other[0] is short[0]


def restored(same: bool) -> None:
    """An autoencoder, one of whose columns hardly varies; or a network with a target of its own with such columns."""
    torch.manual_seed(0)
    x = torch.randn(320, 6) * torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 0.004])
    y = x if same else x.flip(0)
    model = nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 6))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for rows in torch.randperm(320).split(32):
        loss = nn.functional.mse_loss(model(x[rows]), x[rows] if same else y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_the_columns_of_what_a_network_restores(tmp_path: Path) -> None:
    case = observe(lambda: restored(True), tmp_path, budget=20.0)
    found, outcomes, errors = examine(case, checks=[TargetColumnsOutOfBalance])
    assert not found and not errors
    assert outcomes[0].status == "not-applicable"  # x[rows] is indexed twice, and is the same
    assert "own input" in outcomes[0].why
    _, outcomes, _ = examine(observe(lambda: restored(False), tmp_path, budget=20.0), checks=[TargetColumnsOutOfBalance])
    assert outcomes[0].status != "not-applicable"
