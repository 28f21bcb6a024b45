"""Two faults at once: both are named, the exact one with its proof, and nothing else."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from paramedic.checks.case import Case
from paramedic.checks.registry import check_classes
from paramedic.diagnosis.examine import examine
from paramedic.diagnosis.ranking import rank
from paramedic.experiments.counterfactual import diagnosis
from tests.experiments.programs import train
from tests.helpers import observe

BUDGET = 60.0
CHECKS = (
    "softmax-before-cross-entropy", "missing-zero-grad", "frozen-parameters", "unstandardized-input",
    "learning-rate-too-low", "learning-rate-too-high", "too-much-regularization", "badly-scaled-initialization",
)


def named(case: Case) -> list[str]:
    """The alarms' checks, ranked."""
    found, _, errors = examine(case, checks=[item for item in check_classes() if item.name in CHECKS])
    assert not errors, errors
    return [item.check for item in rank(found) if item.level != "note"]


def with_softmax() -> nn.Module:
    return nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 3), nn.Softmax(dim=1))


def test_an_exact_fact_and_a_soft_cause(tmp_path: Path) -> None:
    case = observe(lambda: train(make=with_softmax, rate=1e-5), tmp_path, budget=BUDGET)
    assert named(case) == ["softmax-before-cross-entropy", "learning-rate-too-low"]
    trial = diagnosis(case).causes[0]
    assert trial.experiment.startswith("softmax-before-cross-entropy+learning-rate-x")
    assert trial.before() > 0.9 and trial.after() < 0.3


def test_two_soft_causes_each_of_which_hides_the_other(tmp_path: Path) -> None:
    case = observe(lambda: train(scale=50.0, offset=3000.0, decay=5.0), tmp_path, budget=BUDGET)
    assert named(case) == ["unstandardized-input", "too-much-regularization"]


def test_an_exact_fact_alone_is_proven_and_nothing_else_is_said(tmp_path: Path) -> None:
    case = observe(lambda: train(make=with_softmax), tmp_path, budget=BUDGET)
    assert named(case) == ["softmax-before-cross-entropy"]
    fact = diagnosis(case).facts[0]
    assert fact.trial is not None and fact.trial.after() < fact.trial.before()
    assert diagnosis(case).trials == []  # the mended copy learns: no remedy was tried


def test_the_program_is_left_as_it_was(tmp_path: Path) -> None:
    models: list[nn.Module] = []
    case = observe(lambda: models.append(train(make=with_softmax, rate=1e-5, epochs=3)), tmp_path, budget=BUDGET)
    before = [item.detach().clone() for item in models[0].parameters()]
    diagnosis(case)
    assert all(torch.equal(a, b) for a, b in zip(before, models[0].parameters(), strict=True))


def test_without_budget_nothing_is_tried(tmp_path: Path) -> None:
    case = observe(lambda: train(make=with_softmax, rate=1e-5, epochs=2), tmp_path, budget=0.0)
    assert named(case) == ["softmax-before-cross-entropy"]


