"""A run that is over before its warm-up is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LinearLR, OneCycleLR

from paramedic.experiments.warm_up_never_ends import planned_peak
from paramedic.trace.setup import SchedulerRecord
from tests.helpers import findings, observe

X, Y = load_digits(return_X_y=True)
X, Y = torch.tensor(X[:960] / 16).float(), torch.tensor(Y[:960])


def program(warm_up: int, rate: float = 0.3) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))
    optimizer = torch.optim.SGD(net.parameters(), lr=rate)
    scheduler = LambdaLR(optimizer, lambda step: min((step + 1) / warm_up, 1.0))
    for _ in range(2):
        for rows in torch.randperm(len(X)).split(32):
            loss = F.cross_entropy(net(X[rows]), Y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()


@pytest.mark.parametrize(("warm_up", "found"), [(10, False), (2000, True)])
@pytest.mark.parametrize("budget", [0.0, 20.0])
def test_a_warm_up_that_is_longer_than_the_run(warm_up: int, found: bool, budget: float, tmp_path: Path) -> None:
    named = findings(observe(lambda: program(warm_up), tmp_path, budget=budget), "warm-up-never-ends")
    assert [item.level for item in named] == (["fault" if budget else "suspect"] if found else [])
    if found:
        assert "at call 1999" in named[0].summary or "at call 2000" in named[0].summary


def test_a_run_that_learns_while_it_warms_up_is_right(tmp_path: Path) -> None:
    assert not findings(observe(lambda: program(120, rate=1.0), tmp_path, budget=20.0), "warm-up-never-ends")


@pytest.mark.filterwarnings("ignore:Detected call of")
@pytest.mark.parametrize("cycle", [False, True])
def test_where_a_schedule_goes_to(cycle: bool) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(2))], lr=1.0)
    if cycle:
        scheduler, calls, rate = OneCycleLR(optimizer, max_lr=5.0, total_steps=300, pct_start=0.5), 149, 5.0
    else:
        scheduler, calls, rate = LinearLR(optimizer, start_factor=0.1, total_iters=80), 80, 1.0
    record = SchedulerRecord(scheduler, type(scheduler).__name__, calls=10)
    for _ in range(10):
        scheduler.step()
    before = optimizer.param_groups[0]["lr"]
    peak = planned_peak(record)
    assert peak is not None and abs(peak.rate - rate) < 1e-6 and abs(peak.calls - calls) <= 1
    assert optimizer.param_groups[0]["lr"] == before  # the program's own schedule has not moved
