"""Experiments on a cluster of two nodes, one of which dies: the same numbers as on one processor."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from paramedic.checks.case import Case
from paramedic.experiments import fan_out
from paramedic.experiments.counterfactual import Diagnosis, assess, diagnosis, run
from paramedic.experiments.interventions import LearningRate, StandardInitialization, Together
from paramedic.integrations.cluster import Cluster, ClusterError
from tests.helpers import observe


class Net(nn.Module):  # sent by value: the workers have no tests
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


def _slow_learner() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(192, 8, generator=generator)
    y = x[:, :3].argmax(1)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3)
    for step in range(40):
        rows = slice(32 * step % 160, 32 * step % 160 + 32)
        loss = F.cross_entropy(net(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _numbers(found: Diagnosis) -> Any:
    causes = [(trial.remedy.name, trial.outcomes, trial.base) for trial in found.causes]
    return causes, [(trial.remedy.name, trial.outcomes) for trial in found.trials], list(found.curves)


def _diagnosed(folder: Path, cluster: Any = None) -> tuple[Case, Diagnosis]:
    case = observe(_slow_learner, folder, budget=200.0)
    case.lab.cluster = cluster
    try:
        return case, diagnosis(case)
    finally:
        case.lab.disconnect()


@pytest.mark.slow
def test_the_verdict_is_the_same_when_a_node_dies(
    two_nodes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case, alone = _diagnosed(tmp_path / "alone")
    assert alone.causes
    counted = 0
    count = fan_out._counted

    def counting(*arguments: Any) -> Any:
        nonlocal counted
        counted += 1
        if counted == 4:
            two_nodes.remove_node(two_nodes.second, allow_graceful=False)
        return count(*arguments)

    monkeypatch.setattr(fan_out, "_counted", counting)
    other, found = _diagnosed(tmp_path / "far", partial(Cluster, two_nodes.address))
    assert other.lab.problems == [] and counted > 10
    assert repr(_numbers(found)) == repr(_numbers(alone))  # bit for bit; NaN (no validation) is not equal to itself
    assert other.lab.spent > 0.3 * case.lab.spent  # what the workers computed is in the budget
    assert [item.changed for item in other.lab.replays] == [item.changed for item in case.lab.replays]


def test_without_its_cluster_the_experiments_are_made_here(tmp_path: Path) -> None:
    pytest.importorskip("ray")

    def gone() -> Cluster:
        raise ClusterError("no Ray cluster at far.away:6379")

    case = observe(_slow_learner, tmp_path, budget=200.0)
    case.lab.cluster = gone
    assessed = assess(case)
    jobs = [fan_out.Job(Together([LearningRate(factor)]), 0, 10) for factor in (10.0, 100.0)]
    found = [result() for result in fan_out.outcomes(case.lab, assessed, jobs)]
    assert repr(found) == repr([run(case.lab, assessed, job.change, job.seed, job.steps) for job in jobs])
    assert case.lab.problems == ["experiments were made on this machine (ClusterError: no Ray cluster at far.away:6379)"]


def test_what_is_sent_is_what_is_here(tmp_path: Path) -> None:
    """There and back through the pickle, in this process: the same outcome, bit for bit."""
    pytest.importorskip("ray")
    case = observe(_slow_learner, tmp_path, budget=200.0)
    assessed = assess(case)
    jobs = [
        fan_out.Job(Together([change]), seed, 10)
        for change in (LearningRate(100.0), StandardInitialization())
        for seed in (0, 1)
    ]
    shared = fan_out._packed(case.lab, assessed, jobs)
    done = [fan_out._compute(shared, index) for index in range(len(jobs))]
    assert [item.error for item in done] == [""] * len(jobs)
    here = [run(case.lab, assessed, job.change, job.seed, job.steps) for job in jobs]
    assert repr([item.outcome for item in done]) == repr(here)
    assert all(item.seconds > 0 and item.seconds_per_step > 0 for item in done)
    fan_out._kept.clear()
