"""Validation losses and accuracies over the steps are those that the program itself computes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from paramedic.report.charts import charts
from tests.helpers import observe


def train(validation: Iterable[Any], metric: str) -> list[tuple[int, float, float]]:
    """Three epochs of eight steps, each with an evaluation; (step, loss, accuracy) of what the program computed."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 12), nn.ReLU(), nn.Linear(12, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.3)
    x, y = torch.randn(64, 5), torch.randint(0, 3, (64,))
    computed, steps = [], 0
    for _ in range(3):
        for at in range(8):
            optimizer.zero_grad()
            F.cross_entropy(net(x[at * 8 : at * 8 + 8]), y[at * 8 : at * 8 + 8]).backward()
            optimizer.step()
            steps += 1
        net.eval()
        losses, right, rows = [], 0.0, 0
        with torch.no_grad():
            for inputs, target in validation:
                output = net(inputs)
                losses.append(nn.CrossEntropyLoss()(output, target).item())
                if metric == "sum":
                    right += (output.argmax(1) == target).sum().item()
                else:
                    right += (output.argmax(1) == target).float().mean().item() * len(target)
                rows += len(target)
        net.train()
        computed.append((steps, sum(losses) / len(losses), right / rows))
    return computed


@pytest.mark.parametrize(("loader", "metric"), [(True, "sum"), (False, "mean")])
def test_values_of_every_pass(tmp_path: Path, loader: bool, metric: str) -> None:
    generator = torch.Generator().manual_seed(1)
    x, y = torch.randn(40, 5, generator=generator), torch.randint(0, 3, (40,), generator=generator)
    validation: Iterable[Any] = DataLoader(TensorDataset(x, y), batch_size=16) if loader else [(x, y)]
    computed: list[tuple[int, float, float]] = []
    case = observe(lambda: computed.extend(train(validation, metric)), tmp_path)
    curves = charts(case.trace)["curves"]
    (loss,) = [item for item in curves["loss"] if item["name"].startswith("validation loss")]
    (accuracy,) = curves["metric"]
    assert loss["points"] == [[step, pytest.approx(value, rel=1e-4)] for step, value, _ in computed]
    assert accuracy["points"] == [[step, pytest.approx(value, rel=1e-4)] for step, _, value in computed]
    assert loss["name"] == ("validation loss on validation" if loader else "validation loss")
